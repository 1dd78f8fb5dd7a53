/** What an outcome must fit, and what the idempotency key depends on (protocol, "A step" 1 and 5). */
import { describe, expect, it } from 'vitest';
import { INSTANCE_ID, Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { Basis, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const done = { status: 'completed', output: null } as const;

describe('An outcome', () => {
  const pair = () => new Scenario(graphOf({ a: task, b: task }));

  it('is dropped when its attempt is not the open one', () => {
    const scenario = pair();
    const first = scenario.outcome('a', done);
    scenario.fails('a').timer('a#retry').send(first);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.task('a')).toMatchObject({ status: 'scheduled', attempt: 2 });
  });

  it('is dropped when its basis is not that of the open task', () => {
    const scenario = pair();
    scenario.send({ ...scenario.outcome('a', done), basis: '0123456789abcdef0123456789abcdef' as Basis });
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
  });

  it('is dropped when no such task is open', () => {
    const scenario = pair();
    scenario.send({ ...scenario.outcome('a', done), path: 'c' as TaskPath });
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    scenario.send({ ...scenario.outcome('a', done), path: 'constructor' as TaskPath, basis: '' as Basis });
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
  });

  it('that comes twice is applied once', () => {
    const scenario = pair();
    const outcome = scenario.outcome('a', done);
    scenario.send(outcome, outcome);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.send(outcome).effects).toEqual([]);
    expect(scenario.eventTypes.filter((type) => type === 'TaskCompleted')).toHaveLength(1);
  });

  it('of a failure is held to the same', () => {
    const scenario = pair();
    const failed = scenario.outcome('a', { status: 'failed', error: { code: 'X', message: 'x' }, retryable: true, retryAfterMs: null });
    scenario.send(failed).send(failed);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.task('a')).toMatchObject({ failures: 1 });
  });
});

describe('The basis', () => {
  const chain = graphOf({ a: task, b: { ...task, input: { y: '${ nodes.a.output.y }' } } }, ['a>b']);
  const basisOf = (scenario: Scenario, path: string) => scenario.task(path).basis;

  it('is the same for the same history', () => {
    const run = () => new Scenario(chain, { x: 1 }).completes('a', { y: 1 });
    expect(basisOf(run(), 'b')).toBe(basisOf(run(), 'b'));
    expect(basisOf(run(), 'b')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('does not depend on the clock', () => {
    const at = (now: number) => basisOf(new Scenario(chain, {}, { now }).completes('a', { y: 1 }), 'b');
    expect(at(1_000)).toBe(at(9_000));
  });

  it.each<[string, Json, Json]>([
    ['what the task before gave', { y: 1 }, { y: 2 }],
    ['a part of it that the input does not show', { y: 1, z: 1 }, { y: 1, z: 2 }],
  ])('is another one with %s', (_, first, second) => {
    expect(basisOf(new Scenario(chain).completes('a', first), 'b')).not.toBe(basisOf(new Scenario(chain).completes('a', second), 'b'));
  });

  it('is another one with the instance’s input, and after another attempt', () => {
    const basisAfter = (x: number) => basisOf(new Scenario(chain, { x }).completes('a', { y: 1 }), 'b');
    expect(basisAfter(1)).not.toBe(basisAfter(2));
    const later = new Scenario(chain, { x: 1 }).fails('a').timer('a#retry').completes('a', { y: 1 });
    expect(basisOf(later, 'b')).not.toBe(basisAfter(1));
  });

  it('is another one when the task before timed out than when it failed, all else being the same', () => {
    const caught = graphOf({ a: { ...task, timeout: '5s' }, b: task }, [{ from: 'a', to: 'b', on: 'any' }]);
    const basisAfter = (status: 'failed' | 'timedOut') => {
      const scenario = new Scenario(caught);
      const error = { code: 'X', message: 'x' };
      return basisOf(scenario.send(scenario.outcome('a', { status, error, retryable: false, retryAfterMs: null })), 'b');
    };
    expect(basisAfter('failed')).toBe(basisAfter('failed'));
    expect(basisAfter('failed')).not.toBe(basisAfter('timedOut'));
  });

  it('is another one when another task opened it, all else being the same', () => {
    const either = graphOf({ a: { ...task, input: 1 }, b: { ...task, input: 1 }, j: { ...task, join: 'any' } }, ['a>j', 'b>j']);
    const basisAfter = (path: string) => basisOf(new Scenario(either).completes(path, { y: 1 }), 'j');
    expect(basisAfter('a')).toBe(basisAfter('a'));
    expect(basisAfter('a')).not.toBe(basisAfter('b'));
  });

  it('is the same whatever order the keys of an output have', () => {
    const basisAfter = (output: Json) => basisOf(new Scenario(chain).completes('a', output), 'b');
    expect(basisAfter({ y: 1, z: [2, { a: 1, b: 2 }] })).toBe(basisAfter({ z: [2, { b: 2, a: 1 }], y: 1 }));
  });

  it('tells tasks of one predecessor apart by their input alone', () => {
    const twins = graphOf({ a: { ...task, input: 1 }, b: { ...task, input: 1 }, c: { ...task, input: 2 } });
    const scenario = new Scenario(twins);
    expect(basisOf(scenario, 'a')).not.toBe(basisOf(scenario, 'c'));
  });

  it('stays the same over all attempts: with the task id it is the idempotency key', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 2 } }));
    const bases = [basisOf(scenario, 'n')];
    bases.push(basisOf(scenario.fails('n').timer('n#retry'), 'n'));
    bases.push(basisOf(scenario.fails('n').command({ type: 'retry', path: null }), 'n'));
    expect(new Set(bases).size).toBe(1);
    expect(scenario.task('n')).toMatchObject({ attempt: 3 });
  });

  it('of a join follows from the branch that opened it', () => {
    const document = graphOf({ a: task, b: task, j: task }, ['a>j', 'b>j']);
    const ab = new Scenario(document).completes('a', 1).completes('b', 2);
    const ba = new Scenario(document).completes('b', 2).completes('a', 1);
    expect(basisOf(ab, 'j')).not.toBe(basisOf(ba, 'j'));
  });
});

it('every task names its instance', () => {
  const scenario = new Scenario(nodeOf({ type: 'publish', event: 'x', key: 'k' }));
  expect(scenario.effectsOf('publishEvent')).toMatchObject([{ taskId: `${INSTANCE_ID}.n` }]);
});
