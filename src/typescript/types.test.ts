/** What `millrace types` writes: the text, and what the compiler says of handlers that fit and of those that do not. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseTyped } from '../core/definition/index.ts';
import { graphOf, step } from '../core/definition/testing/documents.ts';
import { document } from '../core/instance/testing/arbitraries.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { typesOf } from './index.ts';

const root = join(import.meta.dirname, '../..');

function written(...documents: readonly Json[]): string {
  return typesOf(
    documents.map((json) => {
      const parsed = parseTyped(json, { version: 7 });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      return { ...parsed.value, isDeployed: false };
    }),
  );
}

/** The text after `export type <name> = `, up to its end. */
function typeOf(text: string, name: string): string {
  return new RegExp(`export type ${name} = ([\\s\\S]*?);\\n(?:\\n|$)`).exec(text)?.[1] ?? `there is no type ${name}`;
}

const ofInput = (input: Json): string => typeOf(written(graphOf({ a: step }, [], { input })), 'TestInput');
const task = (more: JsonObject = {}): JsonObject => ({ type: 'task', task: 'work', ...more });
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });

/** Compiles files beside each other. @returns what the compiler says, one line for each error. */
async function compile(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-types-'));
  try {
    // As an installed package, whose sources are found under its own condition.
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules/millrace'), 'junction');
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const options = { target: 'es2024', module: 'nodenext', strict: true, noEmit: true, erasableSyntaxOnly: true, skipLibCheck: true };
    const more = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')], allowImportingTsExtensions: true };
    const compilerOptions = { ...options, ...more, exactOptionalPropertyTypes: true, customConditions: ['millrace-source'] };
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
    const tsc = join(root, 'node_modules/.bin/tsc');
    return await new Promise((resolve) =>
      execFile(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder }, (_, stdout) =>
        resolve(stdout.split('\n').filter((line) => line.includes('error TS'))),
      ),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('says of each schema what TypeScript can say of it', () => {
  expect(ofInput({ type: ['string', 'null'] })).toBe('string | null');
  expect(ofInput({ enum: ['a', 1, null, { b: [true] }] })).toBe('"a" | 1 | null | { readonly b: readonly [true] }');
  expect(ofInput({ const: 'line\u2028end"' })).toBe('"line\\u2028end\\""');
  expect(ofInput(true)).toBe('Json');
  expect(ofInput({ type: 'array', items: { type: 'integer' } })).toBe('readonly number[]');
  const tuple = { type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }], minItems: 1 };
  expect(ofInput({ ...tuple, items: false })).toBe('readonly [number, string?]');
  expect(ofInput({ ...tuple, items: { type: 'boolean' } })).toBe('readonly [number, string?, ...boolean[]]');
  expect(ofInput(object({ a: { type: 'number' } }, { required: ['a', 'b'] }))).toBe('{\n  readonly a: number;\n  readonly b: Json;\n}');
  expect(ofInput(object({ a: { type: 'number' } }, { additionalProperties: { type: 'string' } }))).toBe(
    '{\n  readonly a?: number;\n  readonly [name: string]: string | number | undefined;\n}',
  );
  expect(ofInput(object({}, { additionalProperties: false }))).toBe('{ readonly [name: string]: never }');
  // Without a type, a schema with properties admits strings too.
  expect(ofInput({ properties: { a: { type: 'number' } } })).toBe('Json');
  const choice = { type: 'object', oneOf: [object({ k: { const: 'a' } }, { required: ['k'] }), { required: ['b'] }] };
  expect(ofInput(choice)).toBe('{ readonly [name: string]: Json } & ({\n  readonly k: "a";\n} | {\n  readonly b: Json;\n})');
});

it('gives references names, also where they lead back, and keeps apart what would have the same name', () => {
  const tree = object({ kids: { type: 'array', items: { $ref: '#/$defs/a~1b' } } });
  const text = written(graphOf({ a: step }, [], { input: { $defs: { 'a/b': tree }, $ref: '#/$defs/a~1b' } }));
  expect(typeOf(text, 'TestInput')).toBe('{\n  readonly kids?: readonly TestInputA1b[];\n}');
  expect(typeOf(text, 'TestInputA1b')).toBe('{\n  readonly kids?: readonly TestInputA1b[];\n}');
  const same = written(graphOf({ 'a-b': task(), a_b: task() }, []));
  expect(same).toContain('export type TestABInput = ');
  expect(same).toContain('export type TestABInput2 = ');
});

it('says of Avro what it says of the JSON Schema that is made of it', () => {
  const line = { type: 'record', name: 'Line', namespace: 'shop', fields: [{ name: 'sku', type: 'string', doc: 'Of the shelf.' }] };
  const fields = [
    { name: 'first', type: line },
    { name: 'last', type: ['null', 'Line'], default: null },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
    { name: 'next', type: ['null', 'Order'] },
  ];
  const avro = { type: 'record', name: 'Order', namespace: 'shop', fields };
  const text = written(graphOf({ a: { ...step, output: '${ input.next }' } }, [], { input: { avro }, output: '${ nodes.a.output }' }));
  const order =
    '{\n  readonly first: TestInputLine;\n  readonly last?: TestInputLine | null;\n  readonly kind: "A" | "B";\n  readonly next: TestInputOrder | null;\n}';
  expect(typeOf(text, 'TestInput')).toBe(order);
  expect(typeOf(text, 'TestInputOrder')).toBe(order);
  expect(typeOf(text, 'TestInputLine')).toBe('{\n  /** Of the shelf. */\n  readonly sku: string;\n}');
  expect(typeOf(text, 'TestOutput')).toBe(`${order} | null`);
});

it('says what templates give, as far as they are written out', () => {
  const card = { type: 'string' };
  const text = written(
    graphOf(
      {
        make: {
          ...step,
          output: { n: 1.5, words: ['x', '${ input.card }'], is: '${ input.card == "x" }', one: 'a ${ now }', any: '${ vars.v }' },
        },
        each: {
          type: 'forEach',
          items: '${ nodes.make.output.words }',
          body: { nodes: { b: { ...step, output: '${ index }' } }, output: { it: '${ nodes.b.output }' } },
        },
        use: task({ input: { all: '${ nodes.make.output }', each: '${ nodes.each.output[3].it }', secret: '${ secrets.KEY }' } }),
      },
      ['make>each', 'each>use'],
      { input: object({ card }, { required: ['card'] }), vars: { v: 1 }, output: '${ nodes.each.output }' },
    ),
  );
  const made =
    'readonly n: number;\n    readonly words: readonly [string, string];\n    readonly is: boolean;\n    readonly one: string;\n    readonly any: Json;';
  expect(typeOf(text, 'TestUseInput')).toBe(
    `{\n  readonly all: {\n    ${made}\n  };\n  readonly each: number;\n  readonly secret: string;\n}`,
  );
  expect(typeOf(text, 'TestOutput')).toBe('readonly ({\n  readonly it: number;\n} | null)[]');
});

it('does not end a comment or a string early, whatever stands in a schema', () => {
  const text = written(graphOf({ a: step }, [], { input: object({ 'a"b\n': { type: 'string', description: '*/ evil();\n/*' } }) }));
  expect(typeOf(text, 'TestInput')).toBe('{\n  /**\n   * * / evil();\n   * /*\n   */\n  readonly "a\\"b\\n"?: string;\n}');
});

it('is the same for the same definition, and names it with its hash', () => {
  const one = { ...graphOf({ a: task() }), title: 'x' };
  const other = Object.fromEntries(Object.entries(one).reverse());
  expect(written(other)).toBe(written(one));
  expect(written(one)).toMatch(/^\/\/ Made by `millrace types`\. .*\n\/\/ test, sha256 [0-9a-f]{64}\n/);
  expect(written({ ...one, title: 'y' })).not.toBe(written(one));
});

it('compiles for any definition, with handlers that fit and with no others', async () => {
  const input = object({ card: { type: 'string' }, cents: { type: 'integer' } }, { required: ['card', 'cents'] });
  const receipt = object({ receipt: { type: 'string' } }, { required: ['receipt'] });
  const charge: JsonObject = { type: 'task', task: 'charge-card', queue: 'payments', input: '${ input }' };
  const types = written(
    graphOf(
      { charge: { ...charge, outputSchema: receipt }, again: { ...charge, input: { only: 1 } }, note: task({ task: 'constructor' }) },
      [],
      { input: { ...input, $defs: { self: object({ self: { $ref: '#/$defs/self' } }) } }, title: 'x' },
    ),
  );
  const documents = fc.sample(document, 15).map((json, index) => ({ ...json, id: `random-${index}` }));
  const members = { 'a-b': {}, class: { enum: [] }, '': { type: 'null' }, ['__proto__']: { type: 'string' } };
  const weird = object(members, { patternProperties: { '^x': { type: 'string' } } });
  const hostile = {
    ...graphOf({ a: task({ outputSchema: weird }), 'A-': task({ task: 'A.b', outputSchema: { type: 'integer' } }) }),
    input: { $ref: '#', title: '*/' },
  };
  const head = "import { defineHandler, defineHandlers } from './types.ts';\n";
  const files = {
    'types.ts': types,
    'any.ts': written(...documents, hostile),
    'right.ts': `${head}import type { TestChargeInput } from './types.ts';
export const handlers = defineHandlers({
  'charge-card': async (input, { idempotencyKey }) => ({ receipt: 'only' in input ? idempotencyKey : input.card + input.cents.toFixed(0) }),
  constructor: () => 1,
});
export const one = defineHandler('charge-card', () => ({ receipt: 'x' }), { queue: 'other' });
export const input: TestChargeInput = { card: 'x', cents: 1 };
`,
    'wrong-output.ts': `${head}export const one = defineHandler('charge-card', async () => ({ reciept: 'x' }));\n`,
    'wrong-type.ts': `${head}export const one = defineHandler('charge-card', () => ({ receipt: 1 }));\n`,
    'wrong-input.ts': `${head}export const one = defineHandler('charge-card', (input) => ({ receipt: 'only' in input ? '' : input.crad }));\n`,
    'wrong-name.ts': `${head}export const one = defineHandler('charge', () => 1);\n`,
    'one-missing.ts': `${head}export const all = defineHandlers({ constructor: () => 1 });\n`,
  };
  const errors = await compile(files);
  expect([...new Set(errors.map((line) => line.slice(0, line.indexOf('('))))].sort()).toEqual([
    'one-missing.ts',
    'wrong-input.ts',
    'wrong-name.ts',
    'wrong-output.ts',
    'wrong-type.ts',
  ]);
}, 60_000);
