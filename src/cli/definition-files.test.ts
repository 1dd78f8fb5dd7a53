/** Definitions that are given together: found in folders, children first, and held against each other without a server. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { graphOf, step } from '../core/definition/testing/documents.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { checkDefinition, childrenAmong } from './checked-definition.ts';
import { childrenFirst, readDefinitionFiles } from './definition-files.ts';
import { type CommandLine, openCommandLine } from './testing/command-line.ts';

const parcel = {
  ...graphOf({ book: { ...step, output: { tracking: 'T' } } }, [], { output: '${ nodes.book.output }' }),
  id: 'parcel',
  input: { type: 'object', properties: { address: { type: 'string' } }, required: ['address'], additionalProperties: false },
};
const order = (input: JsonObject, read: string, more: JsonObject = {}): JsonObject => ({
  ...graphOf({ ship: { type: 'workflow', definition: 'parcel', input, ...more }, tell: { ...step, output: read } }, ['ship>tell']),
  id: 'order',
});

let line: CommandLine;
let folder: string;
let count = 0;

beforeAll(async () => {
  line = await openCommandLine();
});
afterAll(async () => await line.close());
beforeEach(async () => {
  folder = join(line.home, `definitions-${count++}`);
  await mkdir(folder);
});

async function put(files: Readonly<Record<string, Json>>): Promise<void> {
  for (const [name, json] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(json));
}
const namesOf = (files: readonly { readonly file: string }[]): readonly string[] => files.map(({ file }) => file.slice(folder.length + 1));

it('takes of a folder what is a definition, and puts children before those that run them', async () => {
  const top = { ...graphOf({ all: { type: 'forEach', items: [1], workflow: { definition: 'order' } } }), id: 'all-orders' };
  await put({
    'a.json': top,
    'b.json': order({}, 'x'),
    'c.json': parcel,
    'input.json': { id: 'x' },
    'it.scenario.json': { scenarios: [] },
  });
  const files = readDefinitionFiles([folder]);
  expect(namesOf(files)).toEqual(['a.json', 'b.json', 'c.json']);
  expect(namesOf(childrenFirst(files))).toEqual(['c.json', 'b.json', 'a.json']);
});

it('keeps the order of those that run each other', async () => {
  const other = { ...graphOf({ back: { type: 'workflow', definition: 'order' } }), id: 'parcel' };
  await put({ 'order.json': order({}, 'x'), 'parcel.json': other });
  expect(namesOf(childrenFirst(readDefinitionFiles([folder])))).toEqual(['parcel.json', 'order.json']);
});

it('refuses a folder without definitions, and a definition that is given twice', async () => {
  expect(() => readDefinitionFiles([folder])).toThrow(`There is no definition in ${folder}`);
  await put({ 'a.json': parcel, 'b.json': parcel });
  expect(() => readDefinitionFiles([folder])).toThrow('The definition parcel is given twice, in ');
});

it('knows what goes into a child and comes out of it, of the latest version alone', () => {
  const children = childrenAmong([{ document: parcel }]);
  const told = (document: Json) => checkDefinition(document, children).errors.map(({ pointer, message }) => `${pointer} ${message}`);
  expect(told(order({ adress: 'Rue 1' }, '${ nodes.ship.output.weight }'))).toEqual([
    '/nodes/tell/output "nodes.ship.output" has no member "weight"; it has only tracking.',
    '/nodes/ship/input This does not fit the input of "parcel". The property "address" is missing.',
    '/nodes/ship/input/adress This does not fit the input of "parcel". The property "adress" is not known here.',
  ]);
  expect(told(order({ address: 'Rue 1' }, '${ nodes.ship.output.tracking }'))).toEqual([]);
  expect(told(order({ adress: 'Rue 1' }, 'x', { version: 2 }))).toEqual([]);
  expect(checkDefinition(order({ adress: 'Rue 1' }, 'x')).errors).toEqual([]);
});

it('validates files together, writes types of children, and deploys children first', async () => {
  await put({ 'a-order.json': order({ address: 1 }, '${ nodes.ship.output.tracking }'), 'b-parcel.json': parcel });
  const wrong = await line.millrace(['validate', folder]);
  expect(wrong).toMatchObject({ code: 4, stdout: `${join(folder, 'b-parcel.json')} is a valid definition.\n` });
  expect(wrong.stderr).toContain('/nodes/ship/input/address: This does not fit the input of "parcel". This must be a string.');
  const { stdout: answers } = await line.millrace(['validate', join(folder, 'b-parcel.json'), join(folder, 'a-order.json'), '--json']);
  expect(JSON.parse(answers)).toMatchObject([
    { file: join(folder, 'b-parcel.json'), valid: true },
    { valid: false, errorCount: 1 },
  ]);

  await put({ 'a-order.json': { ...order({ address: 'Rue 1' }, 'x'), output: '${ nodes.ship.output }' } });
  const { stdout: types } = await line.millrace(['types', folder]);
  expect(types).toContain('export type OrderOutput = {\n  readonly tracking: string;\n};');

  const deployed: string[] = [];
  line.answer = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { id } = JSON.parse(body) as { readonly id: string };
      deployed.push(id);
      const answer = { id, version: 1, created: true, runningByVersion: [], warnings: [] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  };
  const { code, stdout } = await line.millrace(['deploy', folder], { MILLRACE_API_KEY: 'k' });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Deployed parcel as version 1.\nDeployed order as version 1.\n' });
  expect(deployed).toEqual(['parcel', 'order']);
}, 60_000);
