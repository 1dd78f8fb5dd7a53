/**
 * The schema for editors and the parser: neither has a node type or field that the other lacks, and the schema accepts everything
 * that the parser accepts.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ObjectReader } from '../core/definition/object-reader.ts';
import { errorsOf, expenseApproval, graphOf, parsed, placesIn, replaced } from '../core/definition/testing/documents.ts';
import { document } from '../core/instance/testing/arbitraries.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { nodeTypes } from '../core/nodes/readers.ts';
import { own } from '../core/record.ts';
import { definitionSchema, definitionSchemaText } from './definition-schema.ts';

const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allowUnionTypes: true }).compile(definitionSchema);
const accepts = (json: Json): boolean => validate(json) === true;

const retry = { maxAttempts: 2, backoff: 'fixed', initial: '1s', max: '2s', jitter: 'none', on: ['A'], nonRetryable: ['B'] };
const info = { title: 'T', description: 'D', labels: { team: 'x' } };
const joined = { join: { atLeast: 1 }, cancelRest: true, set: { v: 1 } };
const body = { nodes: { in: { type: 'transform', output: 1 } }, edges: [], output: null };

/** Every field of every type of node, in two variants where fields exclude each other. */
const full: JsonObject = graphOf(
  {
    a: { type: 'transform', output: 1, outputSchema: true, ...info },
    b: { type: 'transform', output: 1, ...info, join: 'any', set: { v: 2 } },
    task: {
      type: 'task',
      task: 't',
      queue: 'q',
      input: {},
      inputSchema: true,
      outputSchema: true,
      timeout: '1s',
      queueTimeout: '2s',
      retry,
      ...info,
      ...joined,
    },
    http: {
      ...{
        type: 'http',
        method: 'post',
        url: 'https://a.example',
        query: { a: [1] },
        headers: { a: 'b' },
        body: {},
        parse: 'json',
        numbers: 'string',
      },
      ...{ timeout: '1s', queueTimeout: '2s', retry, ...info, ...joined },
    },
    form: { type: 'http', method: 'POST', url: '${ input.url }', form: { a: 1 } },
    human: {
      ...{ type: 'human', title: 'T', assignees: { users: ['a'], roles: ['b'] }, form: true, due: '1d', reminder: '1h', timeout: '2d' },
      ...{ escalate: { after: '3h', to: { users: ['c'] } }, outcomes: ['yes', 'no'], approvals: { atLeast: 2, of: 3, notBy: ['x'] } },
      ...{ description: 'D', labels: {}, ...joined },
    },
    waitFor: { type: 'wait', for: 'PT1H', ...info, ...joined },
    waitUntil: { type: 'wait', until: '2030-01-01T00:00:00Z' },
    event: {
      type: 'event',
      event: 'e',
      key: 'k',
      where: 'event.data == 1',
      count: 2,
      timeout: '1d',
      onTimeout: 'take',
      ...info,
      ...joined,
    },
    anyOf: { type: 'event', anyOf: [{ event: 'e', key: 'k', where: 'true' }] },
    publish: { type: 'publish', event: 'e', key: 'k', data: {}, topic: 'x', ...info, ...joined },
    each: {
      type: 'forEach',
      items: [1],
      as: 'it',
      concurrency: 2,
      onItemFailure: { maxFailures: 1 },
      until: 'index > 1',
      timeout: '1d',
      body,
      ...info,
      ...joined,
    },
    some: { type: 'forEach', items: '${ input.x }', onItemFailure: 'fail', atLeast: 1, body },
    child: { type: 'workflow', definition: 'd', version: 2, input: {}, detached: false, timeout: '1d', ...info, ...joined },
    children: { type: 'forEach', items: [1], workflow: { definition: 'd', version: 'latest', input: 1 } },
    until: { type: 'repeat', until: 'last == 1', max: 3, delay: '1s', timeout: '1d', body, ...info, ...joined },
    while: { type: 'repeat', while: 'index < 2', body },
  },
  [
    ...['task', 'http', 'human', 'waitFor', 'event', 'publish', 'each', 'child', 'until'].map((to) => ({ from: 'a', to, id: `to-${to}` })),
    { from: 'task', to: 'b', on: 'failed', error: 'E', when: 'input.x' },
    { from: 'task', to: 'b', when: 'input.x' },
    { from: 'task', to: null, otherwise: true },
  ],
  {
    ...info,
    input: { type: 'object' },
    vars: { v: 0 },
    output: 1,
    timeout: '1d',
    deadline: '2030-01-01T00:00:00Z',
    onFailure: 'compensate',
    lifecycle: 'tasks',
    continuation: true,
  },
);

/** Properties of the schema for a place of the full document. */
function propertiesAt(pointer: string, value: JsonObject): readonly string[] {
  const defs = definitionSchema.$defs as { readonly [name: string]: JsonObject };
  const names = (schema: Json | undefined): readonly string[] =>
    Object.keys(((schema as JsonObject | undefined)?.properties ?? {}) as JsonObject);
  const parts = pointer.split('/').slice(1);
  if (parts.length === 0) return names(definitionSchema);
  const last = parts.at(-1) ?? '';
  if (last === 'body') return names(defs.body);
  if (parts.at(-2) === 'edges') return names(defs.edge);
  if (parts.at(-2) === 'nodes') return names(defs[String(value.type)]);
  const nodeName = parts[1] ?? '';
  const nodes = full.nodes as { readonly [name: string]: JsonObject };
  let schema: Json | undefined = defs[String(nodes[nodeName]?.type)];
  for (const part of parts.slice(2)) {
    const alternatives: readonly Json[] = ((schema as JsonObject | undefined)?.anyOf ?? [schema ?? null]) as readonly Json[];
    const holder = alternatives.find((each) => own((each ?? {}) as JsonObject, 'properties') !== undefined) as JsonObject | undefined;
    schema = /^\d+$/.test(part) ? ((schema as JsonObject).items as Json) : own((holder?.properties ?? {}) as JsonObject, part);
  }
  const found = ((schema as JsonObject | undefined)?.anyOf as readonly JsonObject[] | undefined)?.find(
    (each) => own(each, 'properties') !== undefined,
  );
  return names(found ?? schema);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('The schema for editors', () => {
  it('is the file in schemas/: run "npm run schemas:editor"', () => {
    expect(readFileSync(new URL('../../schemas/definition.schema.json', import.meta.url), 'utf8')).toBe(definitionSchemaText());
  });

  it('has the types of nodes that the parser has', () => {
    const types = Object.keys(definitionSchema.$defs as JsonObject).filter(
      (name) => !['body', 'edge', 'node', 'compensation'].includes(name),
    );
    expect(types.sort()).toEqual([...nodeTypes].sort());
    const used = Object.values(full.nodes as JsonObject).map((node) => (node as JsonObject).type);
    expect([...new Set(used)].sort(), 'the document of this test has every type').toEqual([...nodeTypes].sort());
  });

  it('has at each place the fields that the parser reads there, and no others', () => {
    const asked = new Map<string, { readonly object: JsonObject; readonly fields: Set<string> }>();
    const { raw } = ObjectReader.prototype;
    vi.spyOn(ObjectReader.prototype, 'raw').mockImplementation(function (this: ObjectReader, name) {
      const at = asked.get(this.pointer) ?? { object: this.object, fields: new Set() };
      at.fields.add(name);
      asked.set(this.pointer, at);
      return raw.call(this, name);
    });
    parsed(full);
    const free = /\/(set|vars|labels|query|form|headers)$/;
    const differences = [...asked].flatMap(([pointer, { object, fields }]) => {
      if (free.test(pointer) || /^\/(vars|labels)$/.test(pointer) || pointer.endsWith('/nodes')) return [];
      // The parser says why these cannot have a compensation.
      const hasNone = ['wait', 'forEach', 'repeat'].includes(String(object.type));
      const read = [...fields].filter((name) => !(hasNone && name === 'compensation')).sort();
      const known = [...propertiesAt(pointer, object)].sort();
      // It is read as a node, and the fields of nodes are refused in it.
      if (pointer.endsWith('/workflow')) return known.every((name) => read.includes(name)) ? [] : [{ pointer, read, known }];
      return JSON.stringify(read) === JSON.stringify(known) ? [] : [{ pointer, read, known }];
    });
    expect(differences).toEqual([]);
    expect(asked.size).toBeGreaterThan(30);
  });

  it('has no field that the reference lacks, nor a bound', () => {
    const page = readFileSync(new URL('../../docs/definition.md', import.meta.url), 'utf8');
    const missing: string[] = [];
    const look = (schema: Json): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties = {}, maximum } = schema as JsonObject;
      for (const name of Object.keys(properties as JsonObject)) if (!new RegExp(`[\`"]${name}[\`"]`).test(page)) missing.push(name);
      if (typeof maximum === 'number' && maximum < 1_000_000 && !page.includes(maximum.toLocaleString('en')))
        missing.push(maximum.toLocaleString('en'));
      Object.values(schema).forEach(look);
    };
    look(definitionSchema);
    expect([...new Set(missing)]).toEqual([]);
  });

  it('has words for every field', () => {
    const wordless = (schema: Json, at: string): readonly string[] => {
      if (typeof schema !== 'object' || schema === null) return [];
      const { properties = {}, ...rest } = schema as JsonObject;
      const own = Object.entries(properties as JsonObject).flatMap(([name, each]) =>
        name === 'body' ||
        (each as JsonObject).description !== undefined ||
        '$ref' in (each as JsonObject) ||
        at.includes('/if') ||
        at.includes('/else')
          ? []
          : [`${at}/${name}`],
      );
      return [
        ...own,
        ...Object.entries({ ...rest, ...(properties as JsonObject) }).flatMap(([key, each]) => wordless(each, `${at}/${key}`)),
      ];
    };
    expect(wordless(definitionSchema, '').filter((place) => !/\/type$/.test(place))).toEqual([]);
  });
});

/** Errors that one value shows by itself, which the schema must find. All others need the rest of the document, or an expression. */
const shapeCodes = new Set([
  'MR_DEF_SHAPE',
  'MR_DEF_MISSING_FIELD',
  'MR_DEF_UNKNOWN_FIELD',
  'MR_DEF_UNKNOWN_TYPE',
  'MR_DEF_ID',
  'MR_DEF_LITERAL',
  'MR_DEF_DURATION',
  'MR_DEF_INSTANT',
]);
/** Rules between fields, and rules for strings that no pattern can express. */
const notOfSchema =
  /names nobody|at least "timeout"|at least "initial"|longer than zero|cannot be the name of an item|cannot be set|without user name|begins with http|has no meaning|a request has one|which has no body|request has no body|reads no numbers|needs "count"|must stand beside|of the task, and must come|smaller than|no meaning without|"onTimeout"|whole address|not supported|can vote/;

/** The full document in parts: one for each node, one for everything around nodes, and an example. */
const nodes = full.nodes as { readonly [name: string]: JsonObject };
const { a = {}, b = {}, task = {}, ...rest } = nodes;
const pieces: readonly JsonObject[] = [
  ...Object.values(rest).map((node) => graphOf({ a, n: node }, ['a>n'], { vars: { v: 0 } })),
  graphOf(
    { task: { ...task, join: 'all', cancelRest: false }, b },
    (full.edges as readonly JsonObject[]).filter(({ from }) => from === 'task'),
    {
      ...info,
      ...{ input: { type: 'object' }, vars: { v: 0 }, output: 1, timeout: '1d', onFailure: 'fail', lifecycle: 'tasks', continuation: true },
    },
  ),
  expenseApproval,
];

describe('What the parser takes, the schema takes; what is wrong in shape, it refuses', () => {
  it('examples and random definitions', () => {
    expect(validate(expenseApproval), JSON.stringify(validate.errors)).toBe(true);
    expect(validate(full), JSON.stringify(validate.errors)).toBe(true);
    fc.assert(
      fc.property(document, (json) => accepts(json)),
      { numRuns: 200 },
    );
  });

  it('each value of each node replaced by others', () => {
    const wrong: string[] = [];
    const others: readonly Json[] = [null, true, 7, -1, 1.5, '', 'x y', '${ input.x }', [], [1], {}, { x: 1 }];
    for (const whole of pieces)
      for (const path of placesIn(whole))
        for (const other of others) {
          const changed = replaced(whole, path, other);
          const found = errorsOf(changed);
          const isShape = found.some(({ code, message }) => shapeCodes.has(code) && !notOfSchema.test(message));
          const place = `/${path.join('/')} = ${JSON.stringify(other)}`;
          if (found.length === 0 && !accepts(changed))
            wrong.push(`${place}: the parser alone takes it: ${JSON.stringify(validate.errors?.[0])}`);
          if (isShape && accepts(changed))
            wrong.push(`${place}: the schema alone takes it: ${found.map(({ message }) => message).join(' ')}`);
        }
    expect(wrong).toEqual([]);
  });
});
