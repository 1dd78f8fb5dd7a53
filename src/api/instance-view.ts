/** An instance as REST shows it: what is open, and why it waits. Pure. */

import type * as contract from '../contract/instances.ts';
import { assertNever } from '../core/assert.ts';
import { type Marks, masked } from '../core/definition/typed/marks.ts';
import { MASK } from '../core/definition/typed/marks-in-schemas.ts';
import type { EpochMs, NodeId } from '../core/ids.ts';
import { type TaskPath, taskIdOf } from '../core/ids.ts';
import { maskError, maskEvent, maskTitle } from '../core/instance/history/mask-event.ts';
import { awaitedWork, incidentsOf, taskAt, tasksOf } from '../core/instance/state/scopes.ts';
import { type AwaitedWork, hasEnded, type Incident, type InstanceState, isOpen, type OpenTask } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import type { Json } from '../core/json.ts';
import { waitingFor } from '../core/nodes/registry.ts';
import { queueName } from '../core/queues.ts';
import type { InstanceRow, InstanceView, ListedEntry, PendingCommand } from '../store/instance-queries.ts';
import type { QueuePause, QueueRow } from '../store/queues.ts';

/** Largest number of entries of `open`. */
const OPEN_MAX = 100;

export function toText(at: EpochMs): string {
  return new Date(at).toISOString();
}

export function toPause(queue: string, { by, at, reason }: QueuePause): contract.QueuePause {
  const why = reason === null ? '' : `: ${reason}`;
  return { by, at: toText(at), reason, message: `The queue ${queue} is paused by ${by} since ${toText(at)}${why}` };
}

export function isEnded(status: contract.Instance['status']): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

export function toSummary(row: InstanceRow): contract.InstanceSummary {
  return {
    instanceId: row.instanceId,
    definition: { id: row.definitionId, version: row.definitionVersion },
    businessKey: row.businessKey,
    status: row.status,
    createdAt: toText(row.createdAt),
    updatedAt: toText(row.updatedAt),
  };
}

/** @param marks what is masked; null: nothing. */
export function toInstance({ row, state, pending }: InstanceView, marks: Marks | null): contract.Instance {
  const open = marks === null ? openWork(state) : openWork(state).map((work) => maskedWork(marks, work));
  const error = marks === null || state.error === null ? state.error : maskError(state.error);
  return {
    ...toSummary(row),
    parent: parentOf(state),
    input: marks === null ? state.input : masked(marks.input, state.input),
    output: marks === null ? state.output : masked(marks.output, state.output),
    error,
    open: open.slice(0, OPEN_MAX),
    openCount: open.length,
    awaitedChildren: state.childCount ?? 0,
    ending: endingOf(state, marks),
    pending: pending.map((command) => toPending(state, command)),
  };
}

function parentOf({ parent: child }: InstanceState): contract.Instance['parent'] {
  if (child === undefined) return null;
  const { parent } = child;
  if (parent.kind === 'schedule') return { kind: parent.kind, scheduleId: parent.scheduleId, run: parent.run };
  return { kind: parent.kind, instanceId: parent.instanceId, taskId: taskIdOf(parent.instanceId, parent.path) };
}

function endingOf({ undo }: InstanceState, marks: Marks | null): contract.Instance['ending'] {
  if (undo === undefined || undo.goal === null) return null;
  const { goal, awaited, done, current } = undo;
  const failure = goal.status === 'failed' ? goal.error : null;
  const error = marks === null || failure === null ? failure : maskError(failure);
  return { as: goal.status, error, awaited, left: done + Number(current !== null) };
}

function toPending(state: InstanceState, { commandId, type, path, by, at }: PendingCommand): contract.Instance['pending'][number] {
  return { commandId, type, taskId: path === null ? null : taskIdOf(state.instanceId, path), by, at: toText(at) };
}

/** Work that waits for the workers of a paused queue says so. */
export function withPauses(instance: contract.Instance, queues: readonly QueueRow[]): contract.Instance {
  return { ...instance, open: instance.open.map((work) => withPause(work, queues)) };
}

function withPause(work: contract.OpenWork, queues: readonly QueueRow[]): contract.OpenWork {
  const { waitingFor: waits } = work;
  if (waits.kind !== 'worker') return work;
  const name = queueName(waits.queue);
  const pause = queues.find(({ queue }) => queue === name)?.pause ?? null;
  return pause === null ? work : { ...work, waitingFor: { ...waits, paused: toPause(name, pause) } };
}

type Dated = { readonly at: EpochMs; readonly rank: number; readonly work: contract.OpenWork };

/** Incidents first, since they need a person; then the oldest. */
function openWork(state: InstanceState): contract.OpenWork[] {
  if (hasEnded(state)) return [];
  const all: Dated[] = [];
  const incidents = incidentsOf(state);
  for (const [path, incident] of Object.entries(incidents)) all.push(underIncident(state, path, incident));
  for (const task of tasksOf(state)) {
    if (isOpen(task) && !Object.hasOwn(incidents, task.path)) all.push(waiting(state, task));
  }
  if (state.phase === 'ending') for (const work of awaitedWork(state)) all.push(awaiting(state, work));
  return all.sort((a, b) => a.rank - b.rank || a.at - b.at).map(({ work }) => work);
}

/** What is waited for, without what may quote a marked value. */
function maskedWork(marks: Marks, work: contract.OpenWork): contract.OpenWork {
  const { waitingFor: awaited, lastError } = work;
  return { ...work, waitingFor: maskedWait(marks, awaited, work.nodeId), lastError: lastError === null ? null : maskError(lastError) };
}

function maskedWait(marks: Marks, awaited: contract.WaitingFor, nodeId: string | null): contract.WaitingFor {
  switch (awaited.kind) {
    case 'event':
      return { ...awaited, events: awaited.events.map(({ type }) => ({ type, key: MASK })) };
    case 'retry':
      return { ...awaited, lastError: awaited.lastError === null ? null : maskError(awaited.lastError) };
    case 'incident':
      return { ...awaited, error: maskError(awaited.error) };
    case 'person':
      return { ...awaited, title: maskTitle(marks, nodeId as NodeId, awaited.title) };
    case 'worker':
    case 'time':
    case 'child':
    case 'items':
    case 'round':
      return awaited;
    default:
      return assertNever(awaited);
  }
}

function underIncident(state: InstanceState, path: string, { nodeId, error, expression, at }: Incident): Dated {
  const task = path === '' ? undefined : taskAt(state, path as TaskPath);
  return {
    at,
    rank: 0,
    work: {
      taskId: path === '' ? null : taskIdOf(state.instanceId, path as TaskPath),
      nodeId,
      status: task?.status ?? 'failed',
      waitingFor: { kind: 'incident', error, expression },
      since: toText(at),
      attempt: task?.attempt ?? 1,
      lastError: error,
    },
  };
}

function waiting(state: InstanceState, task: OpenTask): Dated {
  return {
    at: task.openedAt,
    rank: 1,
    work: {
      taskId: taskIdOf(state.instanceId, task.path),
      nodeId: task.nodeId,
      status: task.status,
      waitingFor: waitingFor(task),
      since: toText(task.openedAt),
      attempt: task.attempt,
      lastError: task.type === 'http' || task.type === 'task' ? task.lastError : null,
    },
  };
}

/** A task that a worker has, though its node was cancelled. Its work is undone like that of the others. */
function awaiting(state: InstanceState, { path, nodeId, attempt, dispatchedAt, payload }: AwaitedWork): Dated {
  return {
    at: dispatchedAt,
    rank: 1,
    work: {
      taskId: taskIdOf(state.instanceId, path),
      nodeId,
      status: 'scheduled',
      waitingFor: { kind: 'worker', queue: payload.queue },
      since: toText(dispatchedAt),
      attempt,
      lastError: null,
    },
  };
}

/** @param marks what is masked; null: nothing. */
export function toHistoryEntry(
  instanceId: InstanceState['instanceId'],
  { seq, cause, event, omitted }: ListedEntry,
  marks: Marks | null,
): contract.HistoryEntry {
  const { type, at, ...rest } = marks === null ? event : maskEvent(marks, event);
  const { path = null, ...details } = rest as { readonly path?: TaskPath | null } & { readonly [name: string]: Json };
  return {
    seq,
    type,
    at: toText(at),
    cause,
    taskId: path === null ? null : taskIdOf(instanceId, path),
    details: details as Json,
    omitted: omitted === true,
  };
}

const lastEvents = new Set(['InstanceCompleted', 'InstanceFailed', 'InstanceCancelled']);

/** No entry follows it. */
export function isLastEntry({ event }: HistoryEntry): boolean {
  return lastEvents.has(event.type);
}
