/**
 * What an instance database in memory holds. Nothing here awaits anything, so whatever one call does to these tables is one
 * transaction; what may fail is checked before the first change.
 */
import type { DueTimer } from '../../core/due-timer.ts';
import type { CommandId, DefinitionId, EpochMs, InstanceId, JobId, TaskPath } from '../../core/ids.ts';
import type { Approvals, Assignees, InstanceState } from '../../core/instance/state/state.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import type { Json } from '../../core/json.ts';
import type { ChildRow } from '../books.ts';
import type { DeadLetterRow, TaskRow } from '../instance-queries.ts';
import type { CommandResult, HeldTask, NewCommand } from '../instance-store.ts';
import type { Job } from '../jobs.ts';
import type { QueuePause } from '../queues.ts';
import type { ScheduleRow } from '../schedules.ts';
import type { TaskOutputKey } from '../task-outputs.ts';
import { type DeployedTriggers, isEventKey } from '../triggers.ts';
import { MemoryEvents } from './events.ts';
import { MemoryOutbox } from './outbox.ts';

export type StoredTask = Omit<TaskRow, 'taskId' | 'definitionId' | 'definitionVersion' | 'assignee' | 'omitted'> & {
  readonly timeoutMs: number | null;
  readonly dispatchedAt: EpochMs | null;
};

export type MemoryInstance = {
  readonly partition: number;
  readonly version: number;
  readonly state: InstanceState;
  readonly history: HistoryEntry[];
  readonly payloads: Map<number, Json>;
  readonly tasks: Map<TaskPath, StoredTask>;
  /** Absent: none. */
  readonly held?: readonly HeldTask[];
};

export type OpenHumanTask = {
  /** In the order of opening. */
  readonly id: number;
  readonly instanceId: InstanceId;
  readonly path: TaskPath;
  readonly attempt: number;
  readonly nodeId: string;
  readonly title: string;
  readonly assignees: Assignees;
  readonly approvals: Pick<Approvals, 'atLeast' | 'of'> | null;
  readonly voters: readonly string[];
  readonly excluded: readonly string[];
  readonly dueAt: EpochMs | null;
  readonly openedAt: EpochMs;
};

export type StoredCommand = Pick<NewCommand, 'commandId' | 'instanceId' | 'type' | 'path' | 'attempt' | 'by'> & {
  readonly at: EpochMs;
  /** The job that gives it. Absent: none does. */
  readonly jobId?: JobId;
  readonly result: CommandResult;
};

/** A child in the books, and when it is asked after next. */
export type BookRow = ChildRow & { readonly askAt: EpochMs; readonly asked: number };

export type UsedKey = {
  readonly instanceId: InstanceId;
  readonly definitionVersion: number;
  readonly bodyHash: string;
  readonly at: EpochMs;
};

export type MemoryJob = Job & { readonly idempotency: { readonly key: string; readonly bodyHash: string } | null };

export type SentProbe = {
  readonly id: string;
  readonly sentAt: EpochMs;
  /** null: it came back. */
  readonly waitingSince: EpochMs | null;
  readonly roundTripMs: number | null;
};

export type ArmedTimer = DueTimer & { readonly armedAt: EpochMs };

export type StoredQueuePause = QueuePause & { readonly queue: string; resumedAt: EpochMs | null };

export type MemoryTriggers = Omit<DeployedTriggers, 'schedules'> & {
  readonly isPaused: boolean;
  readonly pausedNames: ReadonlySet<string>;
};

export class MemoryTables {
  readonly instances = new Map<InstanceId, MemoryInstance>();
  /** By `taskKey`. */
  readonly humanTasks = new Map<string, OpenHumanTask>();
  readonly claims = new Map<string, { readonly attempt: number; readonly assignee: string }>();
  /** By instance and timer. */
  readonly timers = new Map<string, ArmedTimer>();
  /** Those that are over too, in the order of their beginning. */
  readonly queuePauses: StoredQueuePause[] = [];
  /** The books of parents, by `bookKey`. */
  readonly children = new Map<string, BookRow>();
  readonly commands = new Map<CommandId, StoredCommand>();
  /** The command that completes or fails an attempt of a human task, by `attemptKey`, and each person's vote, by `voteKey`. */
  readonly decisions = new Map<string, CommandId>();
  /** By definition and idempotency key. */
  readonly startKeys = new Map<string, UsedKey>();
  readonly deadLetters = new Map<string, DeadLetterRow & { readonly place: string }>();
  readonly events = new MemoryEvents();
  readonly triggers = new Map<DefinitionId, MemoryTriggers>();
  /** By definition and name. */
  readonly schedules = new Map<string, ScheduleRow>();
  readonly jobs = new Map<JobId, MemoryJob>();
  /** By `outputKeyText`. */
  readonly outputs = new Map<string, { readonly key: TaskOutputKey; readonly output: string }>();
  readonly outbox: MemoryOutbox;
  /** The last one; null: none was sent. */
  probe: SentProbe | null = null;
  #lastId = 0;

  constructor(messageBytesMax: number) {
    this.outbox = new MemoryOutbox(messageBytesMax);
  }

  nextId(): number {
    return ++this.#lastId;
  }

  now(): EpochMs {
    return Date.now();
  }
}

export function taskKey(instanceId: string, path: string): string {
  return `${instanceId} ${path}`;
}

export function attemptKey(instanceId: string, path: string, attempt: number): string {
  return `${instanceId} ${path} ${attempt}`;
}

export function voteKey(instanceId: string, path: string, attempt: number, person: string): string {
  return `${attemptKey(instanceId, path, attempt)} ${person}`;
}

/** Idempotency keys, command results and event ids are remembered for so long. */
export const DAY_MS = 86_400_000;

/** The start that used this key within a day. */
export function usedKey(tables: Pick<MemoryTables, 'startKeys' | 'now'>, definitionId: string, key: string): UsedKey | null {
  const used = tables.startKeys.get(startKeyOf(definitionId, key));
  if (used === undefined) return null;
  // Those of starts by events are there for as long as the events are known.
  return isEventKey(key) || used.at >= tables.now() - DAY_MS ? used : null;
}

export function startKeyOf(definitionId: string, key: string): string {
  return JSON.stringify([definitionId, key]);
}

/** The idempotency key in what `startKeyOf` gave. */
export function keyIn(startKey: string): string {
  return (JSON.parse(startKey) as [string, string])[1];
}
