/** `millrace test` as scripts meet it: what it prints, what it writes, and its exit codes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
let folder: string;

const definition = {
  id: 'greeting',
  nodes: { greet: { type: 'task', task: 'greet' }, sorry: { type: 'task', task: 'sorry' } },
  edges: [{ from: 'greet', to: 'sorry', on: 'failed' }],
};
const passing = { mocks: { greet: [{ output: 1 }] }, scenarios: [{ name: 'It greets', expect: { status: 'completed' } }] };
const failing = { scenarios: [{ name: 'It greets nobody', mocks: { greet: [{ output: 1 }] }, expect: { status: 'failed' } }] };

const next = {
  id: 'greeting',
  nodes: { greet: { type: 'task', task: 'greet' }, sorry: { type: 'task', task: 'sorry' } },
  edges: [{ from: 'greet', to: 'sorry' }],
};
const moving = {
  definition: 'old.json',
  mocks: { greet: [{ output: 1, after: '1m' }], sorry: [{ output: 1 }] },
  scenarios: [
    {
      name: 'It moves',
      clock: 'manual',
      steps: [{ migrate: { to: 'definition.json' } }, { advance: '1m' }],
      expect: { status: 'completed' },
    },
  ],
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const files = {
    good: { 'definition.json': definition, 'a.scenario.json': passing },
    bad: { 'definition.json': definition, 'a.scenario.json': failing },
    wrong: {
      'definition.json': definition,
      'a.scenario.json': { scenarios: [{ ...passing.scenarios[0], mock: {} }] },
      'b.scenario.json': { ...passing, scenario: [] },
    },
    invalid: { 'definition.json': { id: 'x', nodes: {} }, 'a.scenario.json': passing },
    lost: { 'a.scenario.json': { ...passing, definition: 'nowhere.json' } },
    moving: { 'definition.json': next, 'old.json': definition, 'a.scenario.json': moving },
    stuck: {
      'definition.json': { ...next, nodes: { other: next.nodes.sorry }, edges: [] },
      'old.json': definition,
      'a.scenario.json': moving,
    },
    empty: {},
    hidden: { 'definition.json': definition, 'node_modules/x/a.scenario.json': failing },
  };
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(join(folder, name, 'node_modules', 'x'), { recursive: true });
    for (const [file, content] of Object.entries(contents)) writeFileSync(join(folder, name, file), JSON.stringify(content));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function millrace(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'test', ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('passes with 0, says what was covered, and writes JUnit XML', () => {
  const { status, stdout } = millrace('good', '--junit', 'junit.xml');
  expect(stdout.replace(/\d+ ms/, 'n ms')).toBe(`good/a.scenario.json
  ✓ It greets
good/definition.json: 1 of 2 nodes ran, 0 of 1 edges were taken (0 %)
  never ran: sorry
  never taken: greet->sorry (on failed)
1 passed, 0 failed, n ms
`);
  expect(status).toBe(0);
  expect(readFileSync(join(folder, 'junit.xml'), 'utf8')).toContain('<testcase name="It greets" classname="greeting"');
});

it('fails with 1 when a scenario fails, and says where', () => {
  const { status, stdout, stderr } = millrace('bad', '--json');
  expect(status).toBe(1);
  expect(stderr).toBe('A scenario failed.\n');
  expect(JSON.parse(stdout)).toMatchObject({
    suites: [
      {
        definition: 'greeting',
        scenarios: [
          {
            passed: false,
            failures: [
              {
                pointer: '/scenarios/0/expect/status',
                message: 'Expected the status of the instance to be "failed", but it is "completed".',
              },
            ],
          },
        ],
      },
    ],
    coverage: { 'bad/definition.json': { percent: 0 } },
  });
});

it('moves an instance to another version, and covers that on which it ends', () => {
  const { status, stdout } = millrace('moving', '--min-coverage', '100');
  expect(stdout.replace(/\d+ ms/, 'n ms')).toBe(`moving/a.scenario.json
  ✓ It moves
moving/definition.json: 2 of 2 nodes ran, 1 of 1 edges were taken (100 %)
1 passed, 0 failed, n ms
`);
  expect(status).toBe(0);
});

it('says why an instance may not move, in JUnit XML too', () => {
  const { status, stdout } = millrace('stuck', '--junit', 'stuck.xml');
  expect(status).toBe(1);
  expect(stdout).toContain('/scenarios/0/steps/0/migrate/to: definition.json/nodes');
  expect(readFileSync(join(folder, 'stuck.xml'), 'utf8')).toMatch(
    /<failure message="The command was expected to be applied[\s\S]*migrate\/to: definition\.json\/nodes/,
  );
});

it('fails with 1 when too few edges were taken', () => {
  const { status, stderr } = millrace('good', '--min-coverage', '50');
  expect({ status, stderr }).toEqual({ status: 1, stderr: 'Fewer than 50 % of the edges were taken of good/definition.json.\n' });
});

it('runs those whose names hold a text', () => {
  expect(millrace('bad', 'good', '--filter', 'greets nobody').stdout).toContain('0 passed, 1 failed');
});

it.each([
  [
    'every error of every file',
    'wrong',
    'wrong/a.scenario.json has errors:\n  /scenarios/0/mock: The property "mock" is not known here.\nwrong/b.scenario.json has errors:\n  /scenario: The property "scenario" is not known here.\n',
  ],
  [
    'a definition that is none',
    'invalid',
    'invalid/definition.json, the definition of invalid/a.scenario.json, has errors:\n  /nodes: A definition needs at least one node.\n',
  ],
  ['a definition that is not there', 'lost', 'lost/nowhere.json cannot be read'],
  ['a folder without scenarios', 'empty', 'There is no file that ends with .scenario.json in empty.\n'],
  ['a folder that has some in node_modules only', 'hidden', 'There is no file that ends with .scenario.json in hidden.\n'],
  ['a path that is not there', 'gone', 'gone does not exist.\n'],
])('ends with 2 for %s', (_, path, message) => {
  const { status, stderr } = millrace(path);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});
