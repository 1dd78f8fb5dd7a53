/** Errors in scenario files: all at once, each with its place and a sentence. */
import { describe, expect, it } from 'vitest';
import { expenseApproval, graphOf, parsed } from '../core/definition/testing/documents.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { definitionFileOf, readScenarioFile } from './read.ts';

const definition = parsed(expenseApproval);

function errorsOf(file: Json): readonly string[] {
  const read = readScenarioFile(file, definition);
  return read.ok ? [] : read.error.map(({ pointer, message }) => `${pointer} ${message}`);
}

const fine: JsonObject = { name: 'one', expect: { status: 'completed' } };
const scenario = (more: JsonObject): JsonObject => ({ scenarios: [{ ...fine, ...more }] });
const step = (given: Json): JsonObject => scenario({ steps: [given] });

it('takes a file with one scenario', () => {
  expect(errorsOf({ scenarios: [fine] })).toEqual([]);
});

describe('A scenario file is refused', () => {
  it.each<readonly [string, Json, string]>([
    ['that is no object', [], ' This must be an object.'],
    ['without scenarios', {}, ' The property "scenarios" is missing.'],
    ['with an unknown field', { scenarios: [fine], mock: {} }, '/mock The property "mock" is not known here.'],
    ['with an unknown field of a scenario', scenario({ exspect: {} }), '/scenarios/0/exspect The property "exspect" is not known here.'],
    [
      'with an unknown expectation',
      scenario({ expect: { state: 1 } }),
      '/scenarios/0/expect/state The property "state" is not known here.',
    ],
    [
      'with an unknown status',
      scenario({ expect: { status: 'done' } }),
      '/scenarios/0/expect/status This must be one of "running", "paused", "incident", "ending", "undoing", "completed", "failed", "cancelled".',
    ],
    [
      'with a scenario that expects nothing',
      { scenarios: [{ name: 'one' }] },
      '/scenarios/0 The scenario expects nothing: give it an "expect".',
    ],
    ['with the same name twice', { scenarios: [fine, fine] }, '/scenarios/1/name Scenario 0 has this name already: give each its own.'],
    [
      'with a start that is no time',
      scenario({ startAt: '2026-01-01' }),
      '/scenarios/0/startAt A time must have an offset, such as "2026-01-31T09:00:00Z".',
    ],
    [
      'with a step that is two',
      step({ advance: '1s', expect: { status: 'running' } }),
      '/scenarios/0/steps/0 This must have at most 1 property.',
    ],
    ['with a step that is none', step({}), '/scenarios/0/steps/0 This must have at least 1 property.'],
    [
      'with a duration that is none',
      step({ advance: 'soon' }),
      '/scenarios/0/steps/0/advance A duration must be a string such as "30s", "5m", "2d" or ISO 8601 ("PT5M").',
    ],
    [
      'with a time that is none',
      step({ advanceTo: '2026-02-30T00:00:00Z' }),
      '/scenarios/0/steps/0/advanceTo A time must have an offset, such as "2026-01-31T09:00:00Z".',
    ],
    [
      'with the time of an event that is none',
      step({ event: { type: 'a', key: 'b', time: 'now' } }),
      '/scenarios/0/steps/0/event/time A time must have an offset, such as "2026-01-31T09:00:00Z".',
    ],
    [
      'with a task of a person that is none',
      step({ complete: { task: 'pay' } }),
      '/scenarios/0/steps/0/complete/task "pay" is a http node, which no person completes: mock its outcome.',
    ],
    [
      'with a failure of an unknown task',
      step({ fail: { task: 'aprove', code: 'NO' } }),
      '/scenarios/0/steps/0/fail/task The definition has no node "aprove". A task in a loop is named by its path, such as "orders.3.ship".',
    ],
    [
      'with a pause of one task',
      step({ command: { type: 'pause', task: 'pay' } }),
      '/scenarios/0/steps/0/command/task The command "pause" has no "task".',
    ],
    [
      'with a reason for a retry',
      step({ command: { type: 'retry', reason: 'why' } }),
      '/scenarios/0/steps/0/command/reason The command "retry" has no "reason".',
    ],
    [
      'with a mock of an unknown node',
      scenario({ mocks: { paay: [{ output: 1 }] } }),
      '/scenarios/0/mocks/paay The definition has no node "paay".',
    ],
    [
      'with a mock of what is no work',
      { scenarios: [fine], mocks: { check: [{ output: 1 }] } },
      '/mocks/check "check" is a transform node: only "task", "http" and "workflow" nodes are mocked.',
    ],
    [
      'with an outcome that is two',
      scenario({ mocks: { pay: [{ output: 1, timesOut: true }] } }),
      '/scenarios/0/mocks/pay/0 An attempt ends in one way: give one of "output", "answers", "fails", "timesOut" and "never".',
    ],
    [
      'with no outcome',
      scenario({ mocks: { pay: [{ after: '1s' }] } }),
      '/scenarios/0/mocks/pay/0 An attempt ends in one way: give one of "output", "answers", "fails", "timesOut" and "never".',
    ],
    [
      'with a timeout after some time',
      scenario({ mocks: { pay: [{ timesOut: true, after: '1s' }] } }),
      '/scenarios/0/mocks/pay/0/after Leave "after" out: an attempt times out when its "timeout" has passed, and "never" has no time.',
    ],
    [
      'with a retry after no duration',
      scenario({ mocks: { pay: [{ fails: { code: 'X', retryAfter: '1 s' } }] } }),
      '/scenarios/0/mocks/pay/0/fails/retryAfter A duration must be a string such as "30s", "5m", "2d" or ISO 8601 ("PT5M").',
    ],
    [
      'that expects something of an unknown node',
      scenario({ expect: { nodes: { ship: { status: 'completed' } } } }),
      '/scenarios/0/expect/nodes/ship The definition has no node "ship". A task in a loop is named by its path, such as "orders.3.ship".',
    ],
    [
      'that expects an unknown task to be open',
      scenario({ expect: { open: ['ship'] } }),
      '/scenarios/0/expect/open/0 The definition has no node "ship". A task in a loop is named by its path, such as "orders.3.ship".',
    ],
    [
      'with a trigger beside an input',
      scenario({ trigger: { event: { type: 'a', key: 'b' } }, input: {} }),
      '/scenarios/0/input Leave "input" out: the trigger gives it.',
    ],
    ['with a trigger that is none', scenario({ trigger: {} }), '/scenarios/0/trigger This must have at least 1 property.'],
    [
      'with a schedule that there is not',
      scenario({ trigger: { schedule: 'nightly' } }),
      '/scenarios/0/trigger/schedule The definition has no schedule "nightly".',
    ],
    [
      'with an event of a trigger at no time',
      scenario({ trigger: { event: { type: 'a', key: 'b', time: 'now' } } }),
      '/scenarios/0/trigger/event/time A time must have an offset, such as "2026-01-31T09:00:00Z".',
    ],
    [
      'with a task that is delegated and none of a person',
      step({ delegate: { task: 'pay', to: 'ada' } }),
      '/scenarios/0/steps/0/delegate/task "pay" is a http node, which no person completes: mock its outcome.',
    ],
    [
      'with variables of a retry',
      step({ command: { type: 'retry', vars: {} } }),
      '/scenarios/0/steps/0/command/vars The command "retry" has no "vars".',
    ],
    [
      'with a correction of no node',
      step({ command: { type: 'skip-node' } }),
      '/scenarios/0/steps/0/command The command "skip-node" needs the "task" that it corrects.',
    ],
    [
      'with a correction of an unknown node',
      step({ command: { type: 'complete-node', task: 'ship' } }),
      '/scenarios/0/steps/0/command/task The definition has no node "ship". A task in a loop is named by its path, such as "orders.3.ship".',
    ],
    [
      'with a change of no variables',
      step({ command: { type: 'set-vars' } }),
      '/scenarios/0/steps/0/command The command "set-vars" needs "vars": the variables and their new values.',
    ],
    [
      'with an unknown entry of a history',
      scenario({ expect: { history: ['TaskComplete pay'] } }),
      '/scenarios/0/expect/history/0 There is no entry "TaskComplete" in histories. Did you mean "TaskCompleted"?',
    ],
    [
      'with an entry of a history at an unknown node',
      scenario({ expect: { history: ['TaskCompleted ship'] } }),
      '/scenarios/0/expect/history/0 The definition has no node "ship". A task in a loop is named by its path, such as "orders.3.ship".',
    ],
    [
      'that expects something of a start that is refused',
      scenario({ startRefused: 'MR_INPUT_INVALID' }),
      '/scenarios/0/startRefused An instance that was never started has no steps, and nothing else can be expected of it.',
    ],
  ])('%s', (_, file, error) => {
    expect(errorsOf(file)).toEqual([error]);
  });

  it('whose task node is answered like an http node', () => {
    const read = readScenarioFile(
      scenario({ mocks: { work: [{ answers: { status: 200 } }] } }),
      parsed(graphOf({ work: { type: 'task', task: 'w' } })),
    );
    expect(read).toEqual({
      ok: false,
      error: [{ pointer: '/scenarios/0/mocks/work/0/answers', message: 'Only an "http" node is answered: give "output" or "fails".' }],
    });
  });

  it('with all of its errors', () => {
    const file = {
      mocks: { x: [{ output: 1 }] },
      scenarios: [
        { name: 'a', steps: [{ advance: 'x' }] },
        { ...fine, startAt: 'y' },
      ],
    };
    expect(errorsOf(file).map((line) => line.split(' ')[0])).toEqual([
      '/mocks/x',
      '/scenarios/0/steps/0/advance',
      '/scenarios/0',
      '/scenarios/1/startAt',
    ]);
  });
});

it('finds the definition beside the file unless another is named', () => {
  expect(definitionFileOf({ scenarios: [] })).toBe('definition.json');
  expect(definitionFileOf({ definition: '../a.json' })).toBe('../a.json');
  expect(definitionFileOf(7)).toBe('definition.json');
});
