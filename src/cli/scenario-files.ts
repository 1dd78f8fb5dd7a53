/** Finds scenario files, reads them with their definitions, and runs them. */
import { globSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseDefinition } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import { type Coverage, CoverageCounter } from '../scenarios/coverage.ts';
import type { ScenarioFile } from '../scenarios/format.ts';
import type { SuiteResult } from '../scenarios/junit.ts';
import { definitionFileOf, readScenarioFile } from '../scenarios/read.ts';
import { runScenario } from '../scenarios/run.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { readJsonFile } from './session.ts';

const SUFFIX = '.scenario.json';

export type RunFiles = {
  readonly suites: readonly SuiteResult[];
  /** By definition file: several scenario files may be about one. */
  readonly coverage: ReadonlyMap<string, Coverage>;
};

type ReadFile = { readonly file: string; readonly definitionFile: string; readonly definition: Definition; readonly content: ScenarioFile };

/** @throws CommandFailure with every error of every file, before anything runs. */
export function runScenarioFiles(paths: readonly string[], filter: string | null): RunFiles {
  const files = readAll(findScenarioFiles(paths));
  const counters = new Map<string, CoverageCounter>();
  const suites = files.map(({ file, definitionFile, definition, content }): SuiteResult => {
    const counter = counters.get(definitionFile) ?? new CoverageCounter(definition);
    counters.set(definitionFile, counter);
    const results = content.scenarios.flatMap((scenario, index) => {
      if (filter !== null && !scenario.name.includes(filter)) return [];
      const began = performance.now();
      const result = runScenario(definition, scenario, content.mocks ?? {}, `/scenarios/${index}`);
      counter.add(result.history);
      return [{ ...result, durationMs: performance.now() - began }];
    });
    return { file, definitionId: definition.id, results };
  });
  return { suites, coverage: new Map([...counters].map(([file, counter]) => [file, counter.coverage])) };
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
    const definitionFile = relative('', resolve(dirname(file), definitionFileOf(json)));
    const isNew = !definitions.has(definitionFile);
    const definition = definitions.get(definitionFile) ?? readDefinition(definitionFile);
    definitions.set(definitionFile, definition);
    if (!('nodes' in definition)) {
      if (isNew) errors.push(`${definitionFile}, the definition of ${file}, has errors:`, ...definition);
      continue;
    }
    const content = readScenarioFile(json, definition);
    if (content.ok) read.push({ file, definitionFile, definition, content: content.value });
    else errors.push(`${file} has errors:`, ...content.error.map(({ pointer, message }) => `  ${pointer || '(whole)'}: ${message}`));
  }
  if (errors.length > 0) throw new CommandFailure(exitCodes.usage, errors.join('\n'));
  return read;
}

function readDefinition(file: string): Definition | readonly string[] {
  const parsed = parseDefinition(readJsonFile(file), { version: 1 });
  return parsed.ok ? parsed.value : parsed.error.map(({ pointer, message }) => `  ${pointer || '(whole)'}: ${message}`);
}
