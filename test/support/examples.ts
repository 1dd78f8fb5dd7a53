/** The examples for tests: their files, and an engine with everything beside it that `npm start` runs. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Json } from '../../src/core/json.ts';
import { findExamples } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import { TestEngine, type TestEngineOptions } from './engine.ts';

export type JsonFields = { readonly [name: string]: Json };

export function readExample(...path: readonly string[]): JsonFields {
  return JSON.parse(readFileSync(join(checkout, 'examples', ...path), 'utf8')) as JsonFields;
}

/** Deploys all examples, or `some`, and runs `workers` processes for the handlers of each. Servers of examples are the test's to start. */
export async function startWithExamples(
  options: Omit<TestEngineOptions, 'workers'>,
  { workers = 1, some = null }: { readonly workers?: number; readonly some?: readonly string[] | null } = {},
): Promise<TestEngine> {
  const engine = await TestEngine.start(options);
  try {
    const isAsked = (file: string): boolean => some === null || some.includes(basename(dirname(file)));
    const { definitions, processes } = findExamples();
    for (const { definition } of definitions) if (isAsked(definition)) await engine.cli('deploy', definition);
    const modules = processes.flatMap(({ command }) => command.filter((part) => part.endsWith('handlers.ts') && isAsked(part)));
    for (const module of modules) for (let n = 0; n < workers; n++) await engine.startWorker(relative(checkout, module));
  } catch (error) {
    await engine.stop();
    throw error;
  }
  return engine;
}
