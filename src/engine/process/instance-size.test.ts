/** An instance whose payloads grow step by step, through the real processor on the store in memory. */
import { expect, it } from 'vitest';
import { definitionOf } from '../../../test/support/scenario.ts';
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { defaultRunLimits, start, statusOf } from '../../core/instance/index.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import { silentObserver } from '../testing/silent-observer.ts';
import { SteeredStore } from '../testing/steered-store.ts';
import { InstanceProcessor } from './instance-processor.ts';
import { StateCache } from './state-cache.ts';

const ID = '01890000-0000-7000-8000-000000000008' as InstanceId;
const T0 = Date.parse('2026-01-01T00:00:00Z');
const MIB = 1_048_576;

it('that would take more memory than it may fails the attempt that makes it so, and does not grow', async () => {
  const nodes = Object.fromEntries(['a', 'b', 'c'].map((id) => [id, { type: 'task', task: 'grow' }]));
  const definition = definitionOf({ id: 'growing', nodes });
  const started = start(definition, { instanceId: ID, input: {}, businessKey: null, by: 'tester', cause: 'rest:1' }, T0);
  if (!started.ok) throw new Error('the start was refused');
  const store = new SteeredStore();
  store.put(ID, started.value.state);
  const unapplied: unknown[] = [];
  const processor = new InstanceProcessor({
    ...{ store, limits: { ...defaultRunLimits, payloadBytes: MIB, instanceBytes: 2.5 * MIB }, now: () => T0 },
    outgoing: { ofEffects: () => [] },
    definitions: { peek: () => definition, get: async () => definition, find: async () => definition },
    births: { bear: () => Promise.reject(new Error('the instance is there')) },
    observer: { ...silentObserver, onUnapplied: (_, error) => void unapplied.push(error) },
  });
  const outcome = (path: TaskPath): AddressedNotification => {
    const task = taskAt(started.value.state, path);
    if (task === undefined) throw new Error(`there is no task ${path}`);
    const { attempt, basis } = task;
    const result = { status: 'completed', output: 'x'.repeat(MIB / 2 - 100) } as const;
    return { instanceId: ID, cause: `n/0@${path}`, notification: { type: 'TaskOutcome', path, attempt, basis, result } };
  };
  const notifications = (['a', 'b', 'c'] as TaskPath[]).map(outcome);
  expect(await processor.process(0, [{ instanceId: ID, notifications }], new StateCache(10 * MIB))).toEqual([]);
  expect(unapplied).toMatchObject([{ code: 'MR_STATE_TOO_LARGE' }]);
  const { state } = store.stored(ID) ?? {};
  if (state === undefined) throw new Error('the instance is gone');
  expect(statusOf(state)).toBe('incident');
  const statuses = ['a', 'b', 'c'].map((path) => taskAt(state, path as TaskPath)?.status);
  expect(statuses).toEqual(['completed', 'completed', 'failed']);
});
