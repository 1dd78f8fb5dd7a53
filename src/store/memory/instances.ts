/** Starting instances, applying their transitions, loading their states. */
import { invariant } from '../../core/assert.ts';
import { MillraceError } from '../../core/error.ts';
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import { CHILD_AGE_MS_MAX } from '../../core/instance/children/age.ts';
import { timeOf } from '../../core/instance/children/child-id.ts';
import { recordsOnly, statusOf } from '../../core/instance/index.ts';
import type { StatePart } from '../../core/instance/state/state.ts';
import type {
  EventMatcher,
  HeldTask,
  ReleasedTask,
  Start,
  StartResult,
  StoredInstance,
  Transition,
  WantedInstance,
} from '../instance-store.ts';
import { heldAfter, heldText, sendingStatuses } from '../stored/held-task.ts';
import { type NeededScopes, partOf, scopesOf, wholeAfter } from '../stored/partial-state.ts';
import { boundedStateText } from '../stored/state.ts';
import { TransitionRows } from '../stored/transition-rows.ts';
import { type MemoryInstance, type MemoryTables, startKeyOf, usedKey } from './tables.ts';
import { writeRows } from './write-rows.ts';

export type WriteOptions = { readonly matcher: EventMatcher; readonly stateBytesMax: number };

export function start(tables: MemoryTables, options: WriteOptions, starts: readonly Start[]): readonly StartResult[] {
  return starts.map((one) => startOne(tables, options, one));
}

function startOne(tables: MemoryTables, options: WriteOptions, { transition, idempotency }: Start): StartResult {
  const { instanceId, after } = transition;
  const used = idempotency === null ? null : usedKey(tables, after.definitionId, idempotency.key);
  if (used !== null && used.instanceId !== instanceId) {
    if (used.bodyHash !== idempotency?.bodyHash) return { kind: 'keyReused' };
    return { kind: 'repeated', instanceId: used.instanceId, definitionVersion: used.definitionVersion };
  }
  if (after.parent !== undefined) {
    if (tables.instances.has(instanceId)) return { kind: 'present' };
    if (timeOf(instanceId) <= tables.now() - CHILD_AGE_MS_MAX) return { kind: 'gone' };
  }
  // The answer to this very call got lost.
  if (tables.instances.has(instanceId)) return { kind: 'started' };
  try {
    check(tables, options, transition);
  } catch (error) {
    if (error instanceof MillraceError) return { kind: 'failed', error };
    throw error;
  }
  if (idempotency !== null) {
    const { definitionId, definitionVersion } = after;
    const { key, bodyHash } = idempotency;
    tables.startKeys.set(startKeyOf(definitionId, key), { instanceId, definitionVersion, bodyHash, at: tables.now() });
  }
  write(tables, options, transition);
  return { kind: 'started' };
}

export function apply(
  tables: MemoryTables,
  options: WriteOptions,
  transitions: readonly Transition[],
): { readonly applied: ReadonlySet<InstanceId>; readonly now: EpochMs } {
  const ids = new Set(transitions.map(({ instanceId }) => instanceId));
  invariant(ids.size === transitions.length, 'a batch holds one transition of an instance');
  // A transition that lost the version check is not written, so it needs no check.
  const winners = transitions.filter(({ instanceId, expectedVersion }) => tables.instances.get(instanceId)?.version === expectedVersion);
  for (const transition of winners) check(tables, options, transition);
  for (const transition of winners) write(tables, options, transition);
  return { applied: new Set(winners.map(({ instanceId }) => instanceId)), now: tables.now() };
}

/** @throws MillraceError, not retryable, for what a database would refuse too. */
function check(tables: MemoryTables, { stateBytesMax }: WriteOptions, transition: Transition): void {
  const { after, history, messages } = transition;
  tables.outbox.check(messages);
  // The record that something was refused for its size must itself be storable.
  const { scopes } = new TransitionRows().add(transition);
  if (history.length > 0 && !recordsOnly(history)) boundedStateText(after, scopes, stateBytesMax);
}

function write(tables: MemoryTables, { matcher }: WriteOptions, transition: Transition): void {
  const { instanceId, partition, before: decidedOn, after, history } = transition;
  const rows = new TransitionRows();
  const { payloads } = rows.add(transition);
  if (history.length > 0) {
    const before = tables.instances.get(instanceId);
    const instance: MemoryInstance = {
      ...{
        partition,
        version: (before?.version ?? 0) + 1,
        state: before === undefined || decidedOn === null ? after : wholeAfter(before.state, decidedOn, after),
      },
      ...{ history: before?.history ?? [], payloads: before?.payloads ?? new Map(), tasks: before?.tasks ?? new Map() },
      ...holding(heldAfter(before?.held ?? [], transition.held)),
    };
    instance.history.push(...history);
    for (const [seq, payload] of payloads) instance.payloads.set(seq, payload);
    tables.instances.set(instanceId, instance);
  }
  writeRows(tables, matcher, rows);
}

function holding(held: readonly HeldTask[] = []): { readonly held?: readonly HeldTask[] } {
  return held.length === 0 ? {} : { held };
}

export function release(tables: MemoryTables, tasks: readonly ReleasedTask[]): ReadonlySet<InstanceId> {
  const released = new Set<InstanceId>();
  for (const [instanceId, ofInstance] of Map.groupBy(tasks, (task) => task.instanceId)) {
    const instance = tables.instances.get(instanceId);
    const held = new Set(instance?.held?.map(heldText));
    const isHeld = ofInstance.every((task) => held.has(heldText(task.held)));
    if (isHeld && instance !== undefined && sendingStatuses.includes(statusOf(instance.state))) released.add(instanceId);
  }
  const winners = tasks.filter(({ instanceId }) => released.has(instanceId));
  const messages = winners.map(({ instanceId, message }) => ({ instanceId, ...message }));
  tables.outbox.check(messages);
  for (const { instanceId, held: gone } of winners) {
    const instance = tables.instances.get(instanceId);
    if (instance === undefined) continue;
    const { held = [], ...rest } = instance;
    tables.instances.set(instanceId, { ...rest, ...holding(held.filter((task) => heldText(task) !== heldText(gone))) });
  }
  tables.outbox.add(messages, tables.now());
  return released;
}

export function load(tables: MemoryTables, wanted: readonly WantedInstance[]): ReadonlyMap<InstanceId, StoredInstance> {
  const found = new Map<InstanceId, StoredInstance>();
  for (const { instanceId, scopes } of wanted) {
    const instance = tables.instances.get(instanceId);
    if (instance !== undefined)
      found.set(instanceId, { state: partOf(instance.state, scopes), version: instance.version, ...holding(instance.held) });
  }
  return found;
}

export function loadScopes(
  tables: MemoryTables,
  instanceId: InstanceId,
  version: number,
  needed: NeededScopes,
): readonly StatePart[] | null {
  const instance = tables.instances.get(instanceId);
  return instance?.version === version ? scopesOf(instance.state, needed) : null;
}
