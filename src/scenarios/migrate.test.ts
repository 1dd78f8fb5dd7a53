/** Scenarios that move an instance to another version: what goes on, what may not move and why, and errors of the file. */
import { describe, expect, it } from 'vitest';
import { graphOf, parsed } from '../core/definition/testing/documents.ts';
import type { Definition } from '../core/definition/types.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { err, ok } from '../core/result.ts';
import { CoverageCounter } from './coverage.ts';
import { readScenarioFile } from './read.ts';
import { runScenario } from './run.ts';

const ask: JsonObject = { type: 'human', title: 'Agree?', assignees: { roles: ['r'] } };
const work: JsonObject = { type: 'task', task: 'work' };
const old: JsonObject = graphOf({ ask, pay: work }, ['ask>pay'], { output: '${ nodes.pay.output }' });
const files: { readonly [path: string]: JsonObject } = {
  'next.json': graphOf(
    {
      ask: { ...ask, form: { type: 'object', required: ['yes'], properties: { yes: { type: 'boolean' } } } },
      check: work,
      pay: work,
    },
    ['ask>check', 'check>pay'],
    { output: { paid: '${ nodes.pay.output }', checked: '${ nodes.check.output }' } },
  ),
  'lost.json': graphOf({ question: ask, pay: work }, ['question>pay']),
  'other.json': { ...graphOf({ ask }), id: 'other' },
  'broken.json': graphOf({ ask }, ['ask>nowhere']),
};
const mocks = { pay: [{ output: 'paid' }] };
const both = { ...mocks, check: [{ output: 'checked' }] };
const done: JsonObject = { complete: { task: 'ask', output: { yes: true } } };

function read(scenario: JsonObject, more: JsonObject = {}) {
  return readScenarioFile({ scenarios: [{ name: 'it', ...scenario }], ...more }, parsed(old), (path, version) => {
    const file = files[path];
    return file === undefined ? err([{ pointer: '', message: 'it is not there' }]) : versionOf(file, version);
  });
}

function versionOf(document: JsonObject, version: number) {
  try {
    return ok({ ...parsed(document), version } as Definition);
  } catch {
    return err([{ pointer: '/edges/0/to', message: 'There is no node "nowhere".' }]);
  }
}

function run(scenario: JsonObject) {
  const file = read(scenario);
  if (!file.ok) throw new Error(JSON.stringify(file.error));
  const { scenarios, versions } = file.value;
  const [only] = scenarios;
  if (only === undefined) throw new Error('there is one');
  return runScenario(parsed(old), only, file.value.mocks ?? {}, '', { versions });
}

const failuresOf = (scenario: JsonObject) => run(scenario).failures.map(({ pointer, message }) => `${pointer} ${message}`);
const errorsOf = (scenario: JsonObject, more: JsonObject = {}): readonly string[] => {
  const file = read(scenario, more);
  return file.ok ? [] : file.error.map(({ pointer, message }) => `${pointer} ${message}`);
};

describe('A step that migrates', () => {
  it('moves the instance, which ends by the new version: its form, its edges, its output', () => {
    expect(
      failuresOf({
        mocks: both,
        steps: [
          { migrate: { to: 'next.json', by: 'ada', reason: 'A check is needed' } },
          { expect: { open: ['ask'], history: ['InstanceMigrated'] } },
          { complete: { task: 'ask', output: {}, refused: 'MR_FORM_INVALID' } },
          done,
        ],
        expect: { status: 'completed', output: { paid: 'paid', checked: 'checked' }, nodes: { check: { status: 'completed' } } },
      }),
    ).toEqual([]);
  });

  it('may go back to the version of the start, and is refused where the instance is already', () => {
    expect(
      failuresOf({
        mocks,
        steps: [
          { migrate: { to: 'definition.json', refused: 'MR_MIGRATION_REFUSED', because: [''] } },
          { migrate: { to: 'next.json' } },
          { migrate: { to: 'definition.json' } },
          done,
        ],
        expect: { output: 'paid' },
      }),
    ).toEqual([]);
  });

  it('tells each reason where the instance may not move, and the instance stays as it was', () => {
    const to = 'lost.json';
    const [refused, ...reasons] = failuresOf({
      mocks,
      steps: [{ migrate: { to } }, done],
      expect: { status: 'completed', output: 'paid' },
    });
    expect(refused).toMatch(/^\/steps\/0 The command was expected to be applied, but was refused with MR_MIGRATION_REFUSED: /);
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) expect(reason).toMatch(/^\/steps\/0\/migrate\/to lost\.json\/nodes\S*: .+\.$/);
    expect(reasons.join('\n')).toContain('ask');
  });

  it('can be expected to be refused, and for what', () => {
    const move = (migrate: JsonObject) => failuresOf({ steps: [{ migrate: { to: 'lost.json', ...migrate } }], expect: { open: ['ask'] } });
    const refused = 'MR_MIGRATION_REFUSED';
    expect(move({ refused })).toEqual([]);
    const [wrong] = move({ refused, because: ['/nodes/pay'] });
    expect(wrong).toMatch(/^\/steps\/0\/migrate\/because Expected what speaks against it to be \["\/nodes\/pay"\], but it is \[/);
    const because = JSON.parse(/but it is (\[.*?\])\./.exec(wrong ?? '')?.[1] ?? '') as Json;
    expect(move({ refused, because })).toEqual([]);
    expect(failuresOf({ steps: [{ migrate: { to: 'next.json', refused } }], expect: { open: ['ask'] } })).toEqual([
      '/steps/0 The command was expected to be refused with MR_MIGRATION_REFUSED, but was applied.',
    ]);
  });

  it('parts the history, so that what ran is covered in the version on which it ran', () => {
    const { parts } = run({ mocks: both, steps: [{ migrate: { to: 'next.json' } }, done], expect: { status: 'completed' } });
    const covered = parts.map(({ definition, history }) => {
      const counter = new CoverageCounter(definition);
      counter.add(history);
      return counter.coverage;
    });
    expect(covered).toEqual([
      { nodes: { count: 2, missing: ['pay'] }, edges: { count: 1, missing: ['ask->pay'] } },
      { nodes: { count: 3, missing: [] }, edges: { count: 2, missing: [] } },
    ]);
  });
});

describe('A file that migrates is refused', () => {
  const steps = (...given: readonly JsonObject[]): JsonObject => ({ steps: given, expect: { status: 'running' } });
  const at = '/scenarios/0/steps/0/migrate';

  it.each<readonly [string, JsonObject, readonly string[]]>([
    ['without the version', steps({ migrate: {} }), [`${at} The property "to" is missing.`]],
    [
      'with an unknown field',
      steps({ migrate: { to: 'next.json', version: 2 } }),
      [`${at}/version The property "version" is not known here.`],
    ],
    ['with a version that is no string', steps({ migrate: { to: 2 } }), [`${at}/to This must be a string.`]],
    ['with a reason that is no string', steps({ migrate: { to: 'next.json', reason: 2 } }), [`${at}/reason This must be a string.`]],
    ['with a person that is no string', steps({ migrate: { to: 'next.json', by: 2 } }), [`${at}/by This must be a string.`]],
    ['with a file that is not there', steps({ migrate: { to: 'gone.json' } }), [`${at}/to gone.json: it is not there`]],
    [
      'with another definition',
      steps({ migrate: { to: 'other.json' } }),
      [`${at}/to other.json: /id: An instance of "test" moves to versions of "test" only, and this is a definition "other".`],
    ],
    [
      'with a version that has errors',
      steps({ migrate: { to: 'broken.json' } }),
      [`${at}/to broken.json: /edges/0/to: There is no node "nowhere".`],
    ],
    [
      'with reasons for a move that is not refused',
      steps({ migrate: { to: 'next.json', because: ['/input'] } }),
      [`${at}/because Only a move that is refused has reasons: give "refused": "MR_MIGRATION_REFUSED" too.`],
    ],
    [
      'with a node of the new version before the move',
      steps({ expect: { nodes: { check: { status: 'completed' } } } }, { migrate: { to: 'next.json' } }),
      [
        '/scenarios/0/steps/0/expect/nodes/check The definition has no node "check". A task in a loop is named by its path, such as "orders.3.ship".',
      ],
    ],
  ])('%s', (_, scenario, errors) => {
    expect(errorsOf(scenario)).toEqual(errors);
  });

  it('with a mock of a node that no version has', () => {
    expect(errorsOf(steps({ migrate: { to: 'next.json' } }), { mocks: { ...mocks, chek: [{ output: 1 }] } })).toEqual([
      '/mocks/chek The definition has no node "chek".',
    ]);
  });

  it('where nothing finds other versions', () => {
    const file = readScenarioFile({ scenarios: [{ name: 'it', ...steps({ migrate: { to: 'next.json' } }) }] }, parsed(old));
    expect(file).toMatchObject({ ok: false, error: [{ pointer: `${at}/to` }] });
  });
});
