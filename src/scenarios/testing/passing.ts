/** Runs one scenario against a document, for tests of what passes and what is told when it does not. */
import { expect } from 'vitest';
import { parsed } from '../../core/definition/testing/documents.ts';
import type { JsonObject } from '../../core/json.ts';
import { readScenarioFile } from '../read.ts';
import { runScenario } from '../run.ts';

/** Messages of what failed, by pointer. */
export function failuresOf(document: JsonObject, scenario: JsonObject): Readonly<Record<string, string>> {
  const definition = parsed(document);
  const read = readScenarioFile({ scenarios: [{ name: 'it', ...scenario }] }, definition);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const [only] = read.value.scenarios;
  if (only === undefined) throw new Error('there is one');
  return Object.fromEntries(runScenario(definition, only, {}, '').failures.map(({ pointer, message }) => [pointer, message]));
}

export const passes = (document: JsonObject, scenario: JsonObject): void => expect(failuresOf(document, scenario)).toEqual({});
