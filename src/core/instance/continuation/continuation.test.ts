import { describe, expect, it } from 'vitest';
import { definitionOf } from '../../../../test/support/scenario.ts';
import type { Definition } from '../../definition/types.ts';
import type { InstanceId, TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { TaskOutcome } from '../decide/notification.ts';
import { defaultRunLimits, start, step } from '../index.ts';
import { taskAt } from '../state/scopes.ts';
import type { InstanceState } from '../state/state.ts';
import { continuationOf, nextTask } from './continuation.ts';

const ID = '01890000-0000-7000-8000-000000000001' as InstanceId;
const T0 = Date.parse('2026-01-01T00:00:00Z');
const a: JsonObject = { type: 'task', task: 'a' };
const b: JsonObject = { type: 'task', task: 'b', input: { of: '${ nodes.a.output }' } };

function begun(document: JsonObject, input: Json = {}): { readonly definition: Definition; readonly state: InstanceState } {
  const definition = definitionOf({ id: 'd', continuation: true, ...document });
  const started = start(definition, { instanceId: ID, input, businessKey: null, by: 't', cause: 'rest:1' }, T0);
  if (!started.ok) throw new Error('the start was refused');
  return { definition, state: started.value.state };
}

function outcomeOf(state: InstanceState, path: string, result: TaskOutcome['result'] = { status: 'completed', output: 7 }): TaskOutcome {
  const task = taskAt(state, path as TaskPath);
  if (task === undefined) throw new Error(`no task ${path}`);
  return { type: 'TaskOutcome', path: task.path, attempt: task.attempt, basis: task.basis, result };
}

function next({ definition, state }: ReturnType<typeof begun>, outcome = outcomeOf(state, 'a'), now = T0 + 5): string | null {
  return nextTask(definition, state, outcome, now, defaultRunLimits)?.path ?? null;
}

const sequence = (...rest: readonly JsonObject[]): JsonObject => ({
  nodes: { a, b, ...rest[0] },
  edges: [{ from: 'a', to: 'b' }],
  ...rest[1],
});

describe('What a worker goes on with', () => {
  it('is decided as the orchestrator decides it, on the state that travels, whatever the clocks say', () => {
    const { definition, state } = begun(sequence(), { from: 'caller' });
    const travelled = JSON.parse(continuationOf(definition, state, 'a' as TaskPath) ?? 'null') as InstanceState;
    const outcome = outcomeOf(state, 'a');
    const there = nextTask(definition, travelled, outcome, T0 + 90_000, defaultRunLimits);
    const here = step(definition, state, [{ instanceId: ID, cause: 'n/0@1', notification: outcome }], T0 + 3);
    const [one, other] = [taskAt(there?.state ?? state, 'b' as TaskPath), taskAt(here.state, 'b' as TaskPath)];
    expect(there?.path).toBe('b');
    expect(one).toMatchObject({ status: 'scheduled', attempt: 1, basis: other?.basis, payload: { input: { of: 7 } } });
  });

  it('may come after nodes that need no worker', () => {
    const transform = { type: 'transform', output: { n: '${ nodes.a.output }' } };
    expect(
      next(
        begun({
          nodes: { a, t: transform, b },
          edges: [
            { from: 'a', to: 't' },
            { from: 't', to: 'b' },
          ],
        }),
      ),
    ).toBe('b');
  });

  it.each<[string, JsonObject]>([
    ['the end', { nodes: { a } }],
    [
      'two tasks',
      sequence(
        { c: a },
        {
          edges: [
            { from: 'a', to: 'b' },
            { from: 'a', to: 'c' },
          ],
        },
      ),
    ],
    [
      'a person beside it',
      sequence(
        { p: { type: 'human', title: 'look', assignees: { users: ['ada'] } } },
        {
          edges: [
            { from: 'a', to: 'b' },
            { from: 'a', to: 'p' },
          ],
        },
      ),
    ],
    ['a person', { nodes: { a, p: { type: 'human', title: 'look', assignees: { users: ['ada'] } } }, edges: [{ from: 'a', to: 'p' }] }],
    ['a wait', { nodes: { a, w: { type: 'wait', for: '1h' } }, edges: [{ from: 'a', to: 'w' }] }],
    ['an event', { nodes: { a, e: { type: 'event', event: 'paid', key: 'k' } }, edges: [{ from: 'a', to: 'e' }] }],
    ['a loop', { nodes: { a, l: { type: 'forEach', items: [1], body: { nodes: { c: a } } } }, edges: [{ from: 'a', to: 'l' }] }],
    ['a task with a timer of its own', { nodes: { a, b: { ...b, queueTimeout: '1h' } }, edges: [{ from: 'a', to: 'b' }] }],
    [
      'a message',
      {
        nodes: { a, p: { type: 'publish', event: 'e', key: 'k' }, b },
        edges: [
          { from: 'a', to: 'p' },
          { from: 'p', to: 'b' },
        ],
      },
    ],
    ['an incident', sequence({ b: { ...b, input: '${ nodes.a.output.none.at.all }' } })],
  ])('is not %s', (_, document) => {
    expect(next(begun(document))).toBeNull();
  });

  it('is nothing while another branch is open, or after a failure or a stale outcome', () => {
    const other = begun({ nodes: { a, b, c: a }, edges: [{ from: 'a', to: 'b' }] });
    expect(next(other)).toBeNull();
    const alone = begun(sequence());
    const error = { code: 'E', message: 'e' };
    expect(next(alone, outcomeOf(alone.state, 'a', { status: 'failed', error, retryable: true, retryAfterMs: null }))).toBeNull();
    expect(next(alone, { ...outcomeOf(alone.state, 'a'), attempt: 2 })).toBeNull();
  });

  it('is decided where the instance has a timeout of its own', () => {
    expect(next(begun(sequence({}, { timeout: '1d' })))).toBe('b');
  });
});

describe('The state that travels with a task', () => {
  const travels = (document: JsonObject, input: Json = {}): boolean => {
    const { definition, state } = begun(document, input);
    return continuationOf(definition, state, 'a' as TaskPath) !== null;
  };

  it('is there where a later task has the same queue, and where it is small', () => {
    expect(travels(sequence())).toBe(true);
    expect(travels({ nodes: { a } })).toBe(false);
    expect(travels(sequence({ b: { ...b, queue: 'elsewhere' } }))).toBe(false);
    expect(travels(sequence(), { filler: 'x'.repeat(70_000) })).toBe(false);
  });

  it('is not there where an expression asks for the time, which two processes see differently', () => {
    expect(travels(sequence({ b: { ...b, input: { at: '${ now }' } } }))).toBe(false);
  });
});
