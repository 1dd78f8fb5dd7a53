/**
 * Limits of names, texts and numbers: what the schema for editors says, the parser keeps, and docs/definition.md says in the row or the
 * paragraph of the field.
 */
import { describe, expect, it } from 'vitest';
import { errorsOf, graphOf, parsed } from '../core/definition/testing/documents.ts';
import { parseDuration } from '../core/duration.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { assigneesOf } from '../core/nodes/common/values.ts';
import { own } from '../core/record.ts';
import { runScenario } from '../scenarios/run.ts';
import { definitionSchema } from './definition-schema.ts';
import { fieldsOfLanguage } from './testing/fields.ts';
import { passagesOf } from './testing/reference-page.ts';
import { documentWithWrong } from './testing/wrong-fields.ts';

type Limit = { readonly field: string; readonly limit: number; readonly beyond: Json };

function isOf(value: Json | undefined): value is JsonObject {
  return isJsonObject(value);
}

/** The schemas of a field: its own, and those that it chooses between. */
function partsOf(schema: JsonObject): readonly JsonObject[] {
  const choices = (['anyOf', 'oneOf'] as const).flatMap((keyword) => {
    const inner = own(schema, keyword);
    return Array.isArray(inner) ? (inner as readonly Json[]).filter(isOf) : [];
  });
  return [schema, ...choices.flatMap(partsOf)];
}

function schemasOf(field: string): readonly JsonObject[] {
  const [owner = '', ...path] = field.split('.');
  const defs = own(definitionSchema, '$defs');
  const top =
    owner === 'definition' ? definitionSchema : owner === 'triggers' ? definitionSchema : isOf(defs) ? own(defs, owner) : undefined;
  const names = owner === 'triggers' ? ['triggers', ...path] : path;
  return names.reduce<readonly JsonObject[]>(
    (schemas, name) => schemas.flatMap((schema) => membersOf(schema, name)),
    isOf(top) ? [top] : [],
  );
}

/** Also of the items of an array. */
function membersOf(schema: JsonObject, name: string): readonly JsonObject[] {
  return partsOf(schema).flatMap((part) => {
    const [items, properties] = [own(part, 'items'), own(part, 'properties')];
    const member = isOf(properties) ? own(properties, name) : undefined;
    return [...(isOf(member) ? [member] : []), ...(isOf(items) ? membersOf(items, name) : [])];
  });
}

/** The longest string of the pattern of a name; undefined where it sets none. */
function lengthOf(pattern: Json | undefined): number | undefined {
  const [, from, to] = (typeof pattern === 'string' ? /(?:(\[[^\]]*\])?)\[[^\]]*\]\{[01],(\d+)\}\$$/.exec(pattern) : null) ?? [];
  return to === undefined ? undefined : Number(to) + (from === undefined ? 0 : 1);
}

function* limitsOf(field: string): Generator<Limit> {
  for (const schema of schemasOf(field).flatMap(partsOf)) {
    const [names, each] = [own(schema, 'propertyNames'), own(schema, 'additionalProperties')];
    const [items, values] = [own(schema, 'items'), isOf(each) ? each : {}];
    const strings = (length: number): Json => 'a'.repeat(length + 1);
    const found: readonly (readonly [Json | undefined, (limit: number) => Json])[] = [
      [own(schema, 'maximum'), (limit) => limit + 1],
      [own(schema, 'maxLength'), strings],
      [lengthOf(own(schema, 'pattern')), strings],
      [own(schema, 'maxItems'), (limit) => Array.from({ length: limit + 1 }, (_, index) => `a${index}`)],
      [own(schema, 'maxProperties'), (limit) => Object.fromEntries(Array.from({ length: limit + 1 }, (_, index) => [`a${index}`, 'x']))],
      [
        isOf(names) ? (own(names, 'maxLength') ?? lengthOf(own(names, 'pattern'))) : undefined,
        (limit) => ({ ['a'.repeat(limit + 1)]: 'x' }),
      ],
      [own(values, 'maxLength'), (limit) => ({ a: 'x'.repeat(limit + 1) })],
      [isOf(items) ? lengthOf(own(items, 'pattern')) : undefined, (limit) => ['b', 'a'.repeat(limit + 1)]],
    ];
    for (const [limit, beyond] of found) if (typeof limit === 'number') yield { field, limit, beyond: beyond(limit) };
  }
}

/** A passage that names the field and the number. */
function isTold(field: string, limit: number): boolean {
  const [owner = '', ...path] = field.split('.');
  const name = new RegExp(`[\`"]${path.at(-1)}[\`"]`);
  const number = new RegExp(`(?<![\\d,])${limit.toLocaleString('en')}(?![\\d,]\\d)`);
  return passagesOf(owner).some((passage) => name.test(passage) && number.test(passage));
}

const limits = fieldsOfLanguage().flatMap((field) => [...limitsOf(field)]);

describe('A limit', () => {
  it('is found for names, texts, lists and numbers', () => {
    expect(limits.length).toBeGreaterThan(35);
  });

  it.each(limits)('of $field ($limit) is kept by the parser, and told where the field is described', ({ field, limit, beyond }) => {
    expect(errorsOf(documentWithWrong(field, beyond).document)).not.toEqual([]);
    expect(isTold(field, limit), `the passage about ${field} must say ${limit.toLocaleString('en')}`).toBe(true);
  });
});

describe('A limit that counts when an instance runs', () => {
  const titled = parsed(graphOf({ ask: { type: 'human', title: '${ input }', assignees: { users: ['ada'] } } }, []));
  const opens = (input: Json): boolean =>
    runScenario(titled, { name: 'it', input, expect: { open: ['ask'], incidents: {} } }, {}, '').failures.length === 0;
  const names = (given: JsonObject) => () => assigneesOf(given, 'assignees');
  const hearing = (key: string): boolean => {
    const definition = parsed(graphOf({ hear: { type: 'event', event: 'e', key: '${ input }' } }, []));
    return runScenario(definition, { name: 'it', input: key, expect: { open: ['hear'], incidents: {} } }, {}, '').failures.length === 0;
  };

  it('is kept, and told: titles and names of people', () => {
    expect([opens('x'.repeat(2_000)), opens('x'.repeat(2_001))]).toEqual([true, false]);
    expect(isTold('human.title', 2_000)).toBe(true);
    expect(names({ users: ['x'.repeat(256)] })).not.toThrow();
    expect(names({ users: ['x'.repeat(257)] })).toThrow('256 characters');
    expect(names({ roles: Array.from({ length: 1_001 }, (_, n) => `r${n}`) })).toThrow('1000 at most');
    expect([isTold('human.assignees', 256), isTold('human.assignees', 1_000)]).toEqual([true, true]);
  });

  it('is kept, and told: correlation keys', () => {
    expect([hearing('k'.repeat(500)), hearing('k'.repeat(501))]).toEqual([true, false]);
    expect([isTold('event.key', 500), isTold('publish.key', 500)]).toEqual([true, true]);
  });

  it('is kept, and told: durations', () => {
    expect([parseDuration('36500d'), parseDuration('36501d')]).toEqual([36_500 * 86_400_000, undefined]);
    expect(passagesOf('task').some((passage) => passage.includes('a duration at most 100 years'))).toBe(true);
  });
});

it.each([
  ['human.approvals.of', 'atLeast', { atLeast: 3, of: 2 }, 'approvals'],
  ['task.retry.max', 'initial', { initial: '2m', max: '1m' }, 'retry'],
])('%s is at least %s, which is told', (field, other, value, owner) => {
  const [type = ''] = field.split('.');
  const { document } = documentWithWrong(`${type}.${owner}`, value);
  expect(errorsOf(document)).not.toEqual([]);
  expect(
    passagesOf(type).some((passage) => passage.startsWith(`| \`${field.split('.').at(-1)}\``) && passage.includes(`at least \`${other}\``)),
  ).toBe(true);
});
