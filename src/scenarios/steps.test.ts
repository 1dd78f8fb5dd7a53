/** What people and triggers do in scenarios, and what is refused as in production. */
import { describe, expect, it } from 'vitest';
import { graphOf, nodeOf } from '../core/definition/testing/documents.ts';
import type { JsonObject } from '../core/json.ts';
import { failuresOf, passes } from './testing/passing.ts';

const work: JsonObject = { type: 'task', task: 'work' };
const completed: JsonObject = { status: 'completed' };

describe('People and operators', () => {
  const human = { type: 'human', title: 'Sign', assignees: { roles: ['board'] } };

  it('choose an outcome and say something, and one that there is not is refused', () => {
    passes(nodeOf({ ...human, outcomes: ['sign', 'refuse'] }, { output: '${ nodes.n.output }' }), {
      steps: [
        { complete: { task: 'n', refused: 'MR_TASK_OUTCOME' } },
        { complete: { task: 'n', outcome: 'maybe', refused: 'MR_TASK_OUTCOME' } },
        { complete: { task: 'n', outcome: 'refuse', comment: 'Too dear', output: { at: 3 }, by: 'ada' } },
      ],
      expect: { ...completed, output: { at: 3, outcome: 'refuse' } },
    });
  });

  it('vote once each, but not whom the node excludes, and a delegate has the place of the other', () => {
    const approvals = { atLeast: 2, notBy: '${ instance.startedBy }' };
    passes(nodeOf({ ...human, approvals }, { output: '${ nodes.n.output.votes.map(v, v.by) }' }), {
      startedBy: 'eve',
      steps: [
        { complete: { task: 'n', by: 'eve', refused: 'MR_TASK_EXCLUDED' } },
        { delegate: { task: 'n', to: 'eve', by: 'ada', refused: 'MR_TASK_EXCLUDED' } },
        { complete: { task: 'n', by: 'ada' } },
        { complete: { task: 'n', by: 'ada', refused: 'MR_TASK_VOTED' } },
        { delegate: { task: 'n', to: 'joe', by: 'ann', comment: 'He knows' } },
        { complete: { task: 'n', by: 'joe' } },
      ],
      expect: { ...completed, output: ['ada', 'joe'], history: ['HumanTaskVoted n', 'HumanTaskDelegated n', 'HumanTaskVoted n'] },
    });
  });

  it('correct an instance: its variables, a node that is done by hand, one that is left out', () => {
    const document = graphOf({ a: { type: 'transform', output: '${ 10 / vars.by }' }, b: work, c: work }, ['a>b', 'b>c'], {
      vars: { by: 0 },
      output: { a: '${ nodes.a.output }', b: '${ nodes.b.output }' },
    });
    passes(document, {
      mocks: { b: [{ fails: { code: 'AWAY', retryable: false } }] },
      steps: [
        { command: { type: 'set-vars', vars: { buy: 2 }, refused: 'MR_VAR_UNKNOWN' } },
        { command: { type: 'set-vars', vars: { by: 2 }, reason: 'A typo' } },
        { command: { type: 'retry', task: 'a' } },
        { command: { type: 'complete-node', task: 'b', output: 7, by: 'ada', reason: 'Done by phone' } },
        { command: { type: 'skip-node', task: 'c' } },
        { command: { type: 'skip-node', task: 'c', refused: 'MR_INSTANCE_ENDED' } },
      ],
      expect: { ...completed, output: { a: 5, b: 7 }, nodes: { c: { status: 'cancelled' } } },
    });
  });
});

describe('A trigger', () => {
  const triggers = [
    { name: 'paid', event: 'paid', when: 'event.data.cents > 100', input: { cents: '${ event.data.cents }' }, key: 'o-${ event.key }' },
    { name: 'nightly', schedule: { cron: '0 2 * * *', timeZone: 'Europe/Berlin' }, input: { cents: 0, at: '${ schedule.time }' } },
  ];
  const given = { input: '${ input }', key: '${ instance.businessKey }', by: '${ instance.startedBy }' };
  const schema = { type: 'object', properties: { cents: { type: 'integer' } } };
  const document = graphOf({ a: { type: 'transform', output: 1 } }, [], { triggers, input: schema, output: given });
  const event = (data: JsonObject): JsonObject => ({ event: { type: 'paid', key: '7', data } });

  it('gives input and business key, of an event or for a time', () => {
    passes(document, { trigger: event({ cents: 101 }), expect: { output: { input: { cents: 101 }, key: 'o-7', by: 'trigger:paid' } } });
    passes(document, {
      startAt: '2026-07-01T00:00:00Z',
      trigger: { schedule: 'nightly' },
      expect: { output: { input: { cents: 0, at: '2026-07-01T00:00:00.000Z' }, key: null, by: 'trigger:nightly' } },
    });
  });

  it('starts nothing on an event that it does not take, and fails on one that it cannot use', () => {
    passes(document, { trigger: event({ cents: 100 }), startRefused: 'NO_TRIGGER' });
    passes(document, { trigger: event({}), startRefused: 'MR_TRIGGER_FAILED' });
    passes(document, { trigger: event({ cents: 100.5 }), startRefused: 'MR_TRIGGER_FAILED' });
    expect(failuresOf(document, { trigger: event({ cents: 1 }), expect: completed })).toEqual({
      '/trigger':
        'The start was expected to be applied, but was refused with NO_TRIGGER: No trigger of the definition takes this event of the type "paid".',
    });
  });
});
