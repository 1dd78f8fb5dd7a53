/** States as they stand in the database: short, and what was written before with all members is read too. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import { graphOf } from '../../core/definition/testing/documents.ts';
import type { Basis, EdgeId, NodeId, TaskPath } from '../../core/ids.ts';
import type { ClosedTask } from '../../core/instance/state/state.ts';
import { readState, type WrittenState } from './short-form.ts';
import { longTask, shortTask } from './short-task.ts';
import { stateText } from './state.ts';

const work = { type: 'task', task: 'work' };

const closed = (edges: readonly string[] | null): ClosedTask => ({
  ...{ path: 'orders.3.pick' as TaskPath, nodeId: 'orders/pick' as NodeId, attempt: 1, basis: '0123456789abcdef0123456789abcdef' as Basis },
  ...{ type: 'task', openedAt: 1_000, closedAt: 1_010, closedSeq: 7, takenEdges: edges as readonly EdgeId[] | null, status: 'skipped' },
});

function throughDatabase(task: ClosedTask): object {
  const { path, ...kept } = task;
  const written = JSON.parse(JSON.stringify(shortTask(task, kept, 900))) as ReturnType<typeof shortTask>;
  return { path, ...longTask(path, written, 900) };
}

describe('A task that has ended', () => {
  it.each([
    ['not yet evaluated', null],
    ['none', []],
    ['its own', ['pick->pack']],
    ['several', ['pick->pack', 'pick->pack#2', 'named']],
    ['of another node by its name', ['pack->pick']],
    ['names that begin like a short one', ['>pack', '>>pack', 'pick->>pack']],
  ])('keeps the edges that it took: %s', (_, edges) => {
    expect(throughDatabase(closed(edges))).toEqual(closed(edges));
  });

  it('keeps what is unusual: a later attempt, an id of its own, a basis that is no hash', () => {
    const odd = { ...closed([]), attempt: 4, nodeId: 'elsewhere' as NodeId, basis: 'start' as Basis, keepsScopes: true as const };
    expect(throughDatabase(odd)).toEqual(odd);
  });

  it('adds few bytes to the state that every later step writes', () => {
    const names = Array.from({ length: 10 }, (_, n) => `n${n}`);
    const edges = names.slice(1).map((to, n) => `n${n}>${to}`);
    const scenario = new Scenario(graphOf(Object.fromEntries(names.map((name) => [name, work])), edges));
    const lengths = names.slice(0, 9).map((name) => {
      scenario.completes(name, { done: true });
      return stateText(scenario.state).length;
    });
    const [first = 0, ...later] = lengths;
    expect(first).toBeLessThan(600);
    expect(((later.at(-1) ?? 0) - first) / later.length).toBeLessThan(70);
  });
});

/** As it was written before there was a short form. */
const before: WrittenState = {
  ...{ definitionId: 'order' as never, definitionVersion: 2, businessKey: 'b-7', startedBy: 'ada', vars: { n: 1 }, phase: 'running' },
  ...{ paused: null, basis: '90816098500d11e77dbf2f972823b217' as Basis, incidentCount: 0, commands: [], seq: 5, startedAt: 1_000 },
  ...{ updatedAt: 1_400, endedAt: null, error: null },
  root: {
    ...{ status: 'open', loopId: null, basis: '90816098500d11e77dbf2f972823b217' as Basis, firstAttempt: 1, openCount: 1 },
    ...{ incidents: {}, timers: {} },
    tasks: {
      pick: {
        ...{ nodeId: 'pick', attempt: 1, basis: '1df795b11de7711b85cec8f267722a52', openedAt: 1_000, type: 'task', closedAt: 1_200 },
        ...{ closedSeq: 3, takenEdges: ['pick->pack'], status: 'completed', outputSeq: 3 },
      },
      pack: {
        ...{ nodeId: 'pack', attempt: 2, basis: '943a4dbd7f62a177c8132d394fcb3530', openedAt: 1_200, type: 'task' },
        payload: { task: 'pack', queue: 'handlers', timeoutMs: 300_000, queueTimeoutMs: null, inputSeq: 5 },
        ...{ failures: 1, returns: 0, lastError: { code: 'X', message: 'x' }, status: 'scheduled', dispatchedAt: 1_400 },
      },
      lost: {
        ...{ nodeId: 'lost', attempt: 1, basis: '0000000000000000000000000000000f', openedAt: 1_000, type: 'task', closedAt: 1_100 },
        ...{ closedSeq: 2, takenEdges: [], status: 'failed', error: { code: 'X', message: 'x' }, payload: null },
      },
    },
  },
};

describe('A state that was written before', () => {
  it('is read as it is', () => {
    expect(readState(before)).toEqual(before);
  });
});
