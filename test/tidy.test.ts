/**
 * Properties of the code base that no other tool looks at. Formatting, `any`, unused names are biome's, the direction of
 * imports dependency-cruiser's; documents that are made from code are compared where the code is.
 */
import { describe, expect, test } from 'vitest';
import { readFiles, type SourceFile } from './support/files.ts';

const code = readFiles('{src,stack,connect,schemas,packaging,examples,bench,test}/**/*.{ts,mjs}', '*.ts');
const tests = code.filter(({ path }) => path.endsWith('.test.ts'));
const everything = [
  ...code,
  ...readFiles('**/*.{md,sql,avsc,json,yml,yaml,sh,java,xml,properties}', 'Dockerfile', '.ci/*', 'package*.json'),
];

/** This file names what it looks for. */
const self = 'test/tidy.test.ts';

/** `path:line: text` of each line that matches. */
function linesWith(pattern: RegExp, files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path !== self)
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
    );
}

test('the files are found', () => {
  expect(code.length).toBeGreaterThan(200);
  expect(tests.length).toBeGreaterThan(20);
  expect(everything.map(({ path }) => path)).toContain('package-lock.json');
});

describe('code', () => {
  test('begins each module by saying what it is responsible for', () => {
    const silent = code.filter(({ text }) => !/^(#!.*\n)?(\/\*\*|\/\/ )/.test(text));
    expect(silent.filter(({ path }) => !path.endsWith('.test.ts')).map(({ path }) => path)).toEqual([]);
  });

  test('has no file of more than 400 lines: a file that grows beyond has a second noun to be moved out', () => {
    const lines = ({ text }: SourceFile) => text.split('\n').length - 1;
    expect(code.filter((file) => lines(file) > 400).map((file) => `${file.path}: ${lines(file)} lines`)).toEqual([]);
  });

  test('leaves nothing for later', () => {
    expect(linesWith(/\b(TODO|FIXME|XXX|HACK)\b/, everything)).toEqual([]);
  });

  test('silences no checker without saying why', () => {
    expect(linesWith(/@ts-ignore|@ts-nocheck|@ts-expect-error\s*$|eslint-disable/, code)).toEqual([]);
    expect(linesWith(/biome-ignore [^:]*$|biome-ignore [^:]*:\s*$/, code)).toEqual([]);
  });

  test('reads the environment in few places, so that configuration is known and checked', () => {
    const readers = code.filter(
      ({ path, text }) => /^src\/(core|store|messaging|service|orchestrator|api)\//.test(path) && /process\.env/.test(text),
    );
    expect(readers.filter(({ path }) => !path.endsWith('.test.ts')).map(({ path }) => path)).toEqual([]);
  });

  test('imports by literal paths, which the compiler and the check of import directions see', () => {
    // The module of a user is the one that nobody can know before.
    const sources = code.filter(({ path }) => /^(src|stack|connect)\//.test(path) && !path.endsWith('.test.ts'));
    const dynamic = linesWith(/\bimport\((?!')/, sources);
    expect(dynamic.filter((line) => !line.startsWith('src/task-consumer/handler-module.ts:'))).toEqual([]);
  });
});

describe('tests', () => {
  test('wait for conditions and never for a time', () => {
    expect(linesWith(/await\b.*\b(setTimeout|sleep|delay)\(|timers\/promises/, tests)).toEqual([]);
  });

  test('all run', () => {
    expect(linesWith(/\b(test|it|describe)\.(only|skip|todo)\b/, tests)).toEqual([]);
  });
});

describe('the repository', () => {
  test('names no machine: no home of anybody, no address of a registry of packages', () => {
    expect(linesWith(/(?<![\w.])\/(work|root|Users)\/\w/, everything)).toEqual([]);
    expect(linesWith(/"resolved":/, everything)).toEqual([]);
  });
});
