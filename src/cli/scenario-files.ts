/** Finds scenario files, reads them with their definitions, and runs them. */
import { globSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseDefinition } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import type { Result } from '../core/result.ts';
import { type Coverage, CoverageCounter } from '../scenarios/coverage.ts';
import type { FileError } from '../scenarios/format.ts';
import type { SuiteResult } from '../scenarios/junit.ts';
import { definitionFileOf, type ReadScenarioFile, readScenarioFile } from '../scenarios/read.ts';
import { runScenario } from '../scenarios/run.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { readJsonFile } from './session.ts';

const SUFFIX = '.scenario.json';

export type RunFiles = {
  readonly suites: readonly SuiteResult[];
  /** By definition file: several scenario files may be about one. */
  readonly coverage: ReadonlyMap<string, Coverage>;
};

type ReadFile = {
  readonly file: string;
  readonly definitionFile: string;
  readonly definition: Definition;
  readonly content: ReadScenarioFile;
};

/** @throws CommandFailure with every error of every file, before anything runs. */
export function runScenarioFiles(paths: readonly string[], filter: string | null): RunFiles {
  const files = readAll(findScenarioFiles(paths));
  const counters = new Map<string, CoverageCounter>();
  // An instance that moves away leaves the rest of its version undone, which says nothing of the version.
  const ended = new Set<string>();
  const suites = files.map(({ file, definitionFile, definition, content }): SuiteResult => {
    const fileOf = new Map([...content.versions].map(([path, version]) => [version, versionFile(file, path)]));
    const results = content.scenarios.flatMap((scenario, index) => {
      if (filter !== null && !scenario.name.includes(filter)) return [];
      const began = performance.now();
      const { versions, mocks = {} } = content;
      const { parts, ...result } = runScenario(definition, scenario, mocks, `/scenarios/${index}`, { versions });
      for (const part of parts) {
        const of = fileOf.get(part.definition) ?? definitionFile;
        const counter = counters.get(of) ?? new CoverageCounter(part.definition);
        counters.set(of, counter);
        counter.add(part.history);
        if (part === parts.at(-1)) ended.add(of);
      }
      return [{ ...result, durationMs: performance.now() - began }];
    });
    return { file, definitionId: definition.id, results };
  });
  const coverage = [...counters].filter(([file]) => ended.has(file)).map(([file, counter]) => [file, counter.coverage] as const);
  return { suites, coverage: new Map(coverage) };
}

/** Files as they are given, and in folders all that end with `.scenario.json`, however deep. */
function findScenarioFiles(paths: readonly string[]): readonly string[] {
  const files = paths.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new CommandFailure(exitCodes.usage, `${path} does not exist.`);
    if (!stats.isDirectory()) return [path];
    const exclude = (name: string): boolean => name === 'node_modules' || (name.startsWith('.') && name !== '.');
    return globSync(`**/*${SUFFIX}`, { cwd: path, exclude }).map((found) => join(path, found));
  });
  if (files.length > 0) return [...new Set(files)].sort();
  throw new CommandFailure(exitCodes.usage, `There is no file that ends with ${SUFFIX} in ${paths.join(', ')}.`);
}

function readAll(files: readonly string[]): readonly ReadFile[] {
  const definitions = new Map<string, Definition | readonly string[]>();
  const errors: string[] = [];
  const read: ReadFile[] = [];
  for (const file of files) {
    const json = readJsonFile(file);
    const definitionFile = versionFile(file, definitionFileOf(json));
    const isNew = !definitions.has(definitionFile);
    const definition = definitions.get(definitionFile) ?? readDefinition(definitionFile);
    definitions.set(definitionFile, definition);
    if (!('nodes' in definition)) {
      if (isNew) errors.push(`${definitionFile}, the definition of ${file}, has errors:`, ...definition);
      continue;
    }
    const content = readScenarioFile(json, definition, (path, version) => parseFile(versionFile(file, path), version));
    if (content.ok) read.push({ file, definitionFile, definition, content: content.value });
    else errors.push(`${file} has errors:`, ...content.error.map(({ pointer, message }) => `  ${pointer || '(whole)'}: ${message}`));
  }
  if (errors.length > 0) throw new CommandFailure(exitCodes.usage, errors.join('\n'));
  return read;
}

function readDefinition(file: string): Definition | readonly string[] {
  const parsed = parseFile(file, 1);
  return parsed.ok ? parsed.value : parsed.error.map(({ pointer, message }) => `  ${pointer || '(whole)'}: ${message}`);
}

function parseFile(file: string, version: number): Result<Definition, readonly FileError[]> {
  return parseDefinition(readJsonFile(file), { version });
}

/** Path of a file that a scenario file names, from the working directory. */
function versionFile(scenarioFile: string, path: string): string {
  return relative('', resolve(dirname(scenarioFile), path));
}
