/**
 * The conformance tests of CEL's specification, as far as they are about JSON. Where expressions of ours mean something
 * else on purpose, the test is listed with its reason, and must go on failing.
 */
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import { describe, expect, it } from 'vitest';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.ts';
import { compileExpression, ExpressionError, type Scope } from './index.ts';

const SUITES = new Set([
  'basic',
  'comparisons',
  'conversions',
  'fields',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'parse',
  'plumbing',
  'string',
  'string_ext',
  'timestamps',
]);

const DEPARTURES: readonly (readonly [RegExp, string])[] = [
  [/unbound_is_runtime_error$|^parse\/receiver_function_names\//, 'Names and functions that do not exist are refused at deploy.'],
  [/^conversions\/u?int\/(uint_max_exact|int_max$|double_big_)|self_eval_int_negative_min$/, 'JSON would round integers beyond 2^53.'],
  [/^conversions\/double\/(u?int_(min_exact|max_exact|range)|string_exp_pos_pos)$/, 'No JSON that is read here holds doubles beyond 2^53.'],
  [/^fields\/quoted_map_fields\//, 'The library does not read quoted fields: members with odd names are read by index.'],
  [/map_value_repeat_key_heterogeneous$/, 'The library tells 0 and 0u apart as keys.'],
  [/^fp_math\/fp_math\/mod_not_support$/, 'Numbers of JSON are doubles, and `%` is for them too.'],
];

type SpecTest = { readonly name: string; readonly source: string; readonly scope: Scope; readonly expected: Json | 'an error' };

/** Undefined for what JSON cannot hold. */
function jsonOf(value: unknown): Json | undefined {
  if (!isJsonObject(value as Json)) return undefined;
  const [[kind, inner] = []] = Object.entries(value as JsonObject);
  switch (kind) {
    case 'int64Value':
    case 'uint64Value':
      return Number(inner);
    case 'doubleValue':
      return typeof inner === 'number' ? inner : undefined;
    case 'stringValue':
    case 'boolValue':
      return inner;
    case 'nullValue':
      return null;
    case 'listValue':
      return listOf((inner as { readonly values?: readonly unknown[] }).values ?? []);
    case 'mapValue':
      return mapOf((inner as { readonly entries?: readonly JsonObject[] }).entries ?? []);
    default:
      return undefined;
  }
}

function listOf(values: readonly unknown[]): Json | undefined {
  const list = values.map(jsonOf).filter((value) => value !== undefined);
  return list.length === values.length ? list : undefined;
}

function mapOf(entries: readonly JsonObject[]): Json | undefined {
  const members: [string, Json][] = [];
  for (const { key, value } of entries) {
    const [name, member] = [jsonOf(key), jsonOf(value)];
    if (typeof name !== 'string' || member === undefined) return undefined;
    members.push([name, member]);
  }
  return Object.fromEntries(members);
}

/** Undefined for tests of messages, containers and the type checker, and for values beyond JSON. */
function specTestOf(
  name: string,
  { expr, container, checkOnly, disableMacros, bindings, value, evalError }: JsonObject,
): SpecTest | undefined {
  if (typeof expr !== 'string' || container !== undefined || checkOnly === true || disableMacros === true) return undefined;
  if (/google\.protobuf|proto[23]|optional/.test(expr)) return undefined;
  const scope: Record<string, Json> = {};
  for (const [root, binding] of Object.entries(isJsonObject(bindings) ? bindings : {})) {
    const bound = isJsonObject(binding) ? jsonOf(binding.value) : undefined;
    if (bound === undefined || root.includes('.')) return undefined;
    scope[root] = bound;
  }
  const expected = evalError !== undefined ? 'an error' : value === undefined ? true : jsonOf(value);
  return expected === undefined ? undefined : { name, source: expr, scope, expected };
}

function* testsOf(suite: typeof tests, path: string): Generator<SpecTest> {
  for (const { original } of suite.tests ?? []) {
    const test = specTestOf(`${path}/${original.name ?? original.expr}`, original as JsonObject);
    if (test !== undefined) yield test;
  }
  for (const inner of suite.suites ?? []) yield* testsOf(inner, path === '' ? inner.name : `${path}/${inner.name}`);
}

function resultOf({ source, scope }: SpecTest): string {
  const compiled = compileExpression(source, { roots: Object.keys(scope) });
  if (!compiled.ok) return 'an error';
  try {
    return canonicalJson(compiled.value.evaluate(scope));
  } catch (error) {
    if (error instanceof ExpressionError) return 'an error';
    throw error;
  }
}

function isAsExpected(test: SpecTest): boolean {
  return resultOf(test) === (test.expected === 'an error' ? 'an error' : canonicalJson(test.expected));
}

const all = [...testsOf({ name: '', suites: (tests.suites ?? []).filter(({ name }) => SUITES.has(name)) }, '')];
const isDeparture = ({ name }: SpecTest): boolean => DEPARTURES.some(([pattern]) => pattern.test(name));

it('There are as many tests as there should be', () => {
  expect(all.length).toBeGreaterThan(1_000);
});

describe.each([...SUITES])('%s', { timeout: 60_000 }, (suite) => {
  it('is as the specification has it', () => {
    const failed = all.filter((test) => test.name.startsWith(`${suite}/`) && !isDeparture(test) && !isAsExpected(test));
    expect(failed.map(({ name, source, expected }) => ({ name, source, expected }))).toEqual([]);
  });
});

it.each(DEPARTURES)('%s departs: %s', { timeout: 60_000 }, (pattern) => {
  const departing = all.filter(({ name }) => pattern.test(name));
  expect(departing).not.toEqual([]);
  expect(departing.filter(isAsExpected).map(({ name }) => name)).toEqual([]);
});
