/** The rows that a transition changes beside the instance's own, written to the tables in memory. */

import { votersOf } from '../human-task-record.ts';
import type { EventMatcher } from '../instance-store.ts';
import { payloadAt } from '../stored/payloads.ts';
import type { TaskRowImage, TransitionRows } from '../stored/transition-rows.ts';
import { writeBooks } from './books.ts';
import type { OpenSubscription } from './events.ts';
import { returnEvent, takeKeptEvents } from './offers.ts';
import { type MemoryInstance, type MemoryTables, type StoredTask, taskKey } from './tables.ts';

export function writeRows(tables: MemoryTables, matcher: EventMatcher, rows: TransitionRows): void {
  const { events, timers, outbox } = tables;
  for (const row of [...rows.newTasks, ...rows.changedTasks]) {
    const instance = tables.instances.get(row.instanceId);
    if (instance !== undefined) instance.tasks.set(row.path, taskOf(instance, row));
  }
  for (const { instanceId, timerId, kind, path, attempt, dueAt } of rows.armed)
    timers.set(taskKey(instanceId, timerId), { instanceId, timerId, kind, path, attempt, dueAt, armedAt: tables.now() });
  for (const { instanceId, timerId } of rows.disarmed) timers.delete(taskKey(instanceId, timerId));
  writeBooks({ children: tables.children, now: tables.now() }, rows);
  writeHumanTasks(tables, rows);
  writeResults(tables, rows);
  outbox.add(rows.messages, tables.now());
  for (const { instanceId, path } of rows.closedWaits) events.close(taskKey(instanceId, path));
  const opened = rows.openedSubscriptions.map(({ event, ...rest }): OpenSubscription => ({ ...rest, type: event }));
  const byTask = Map.groupBy(opened, ({ instanceId, path }) => taskKey(instanceId, path));
  for (const { instanceId, path, attempt, count } of rows.openedWaits) {
    const task = taskKey(instanceId, path);
    events.close(task);
    events.open(task, { attempt, remaining: count, subscriptions: byTask.get(task) ?? [] });
  }
  takeKeptEvents(tables, matcher, opened);
  for (const refused of rows.returned) returnEvent(tables, matcher, refused);
}

function taskOf({ tasks, payloads }: MemoryInstance, row: TaskRowImage): StoredTask {
  const { instanceId, path, nodeId, type, status, attempt, openedAt, scheduling, outputSeq, error, human, dispatchedAt, updatedAt } = row;
  const before = tasks.get(path);
  return {
    ...{ instanceId, path, nodeId, type, status, attempt },
    queue: scheduling === null ? (before?.queue ?? null) : scheduling.queue,
    timeoutMs: scheduling === null ? (before?.timeoutMs ?? null) : scheduling.timeoutMs,
    input: scheduling === null ? (before?.input ?? null) : payloadAt(payloads, scheduling.inputSeq),
    output: payloadAt(payloads, outputSeq),
    ...{ error, human: human ?? before?.human ?? null },
    ...{ openedAt, dispatchedAt: dispatchedAt ?? before?.dispatchedAt ?? null, updatedAt },
  };
}

function writeHumanTasks(tables: MemoryTables, rows: TransitionRows): void {
  const { humanTasks, claims } = tables;
  for (const { instanceId, path, title, dueAt, at: openedAt, task } of rows.openedHuman) {
    const { nodeId, attempt, assignees, approvals } = task;
    const id = humanTasks.get(taskKey(instanceId, path))?.id ?? tables.nextId();
    humanTasks.set(taskKey(instanceId, path), {
      ...{ id, instanceId, path, attempt, nodeId, title, assignees, dueAt, openedAt },
      approvals: approvals === undefined ? null : { atLeast: approvals.atLeast, of: approvals.of },
      voters: votersOf(task),
      excluded: approvals?.notBy ?? [],
    });
  }
  for (const { instanceId, path, task } of rows.reassigned) {
    const open = humanTasks.get(taskKey(instanceId, path));
    if (open !== undefined) humanTasks.set(taskKey(instanceId, path), { ...open, assignees: task.assignees, voters: votersOf(task) });
  }
  for (const { instanceId, path } of rows.closedHuman) {
    humanTasks.delete(taskKey(instanceId, path));
    claims.delete(taskKey(instanceId, path));
  }
}

/** Each command gets its first result, and keeps it. */
function writeResults(tables: MemoryTables, rows: TransitionRows): void {
  const { commands } = tables;
  const at = tables.now();
  for (const effect of rows.results) {
    const command = commands.get(effect.commandId);
    if (command !== undefined && command.result.status !== 'pending') continue;
    const { commandId, instanceId } = effect;
    const issued = command ?? { commandId, instanceId, type: 'cancel', path: null, attempt: null, by: '', at };
    const result =
      effect.type === 'commandApplied'
        ? ({ status: 'applied', at } as const)
        : ({ status: 'refused', code: effect.code, reason: effect.reason, at } as const);
    commands.set(commandId, { ...issued, result });
  }
}
