/** Reading the instance database: the port. Lists are keyset pages, newest first; cursors are opaque. */
import type { CommandId, DefinitionId, EpochMs, InstanceId, TaskId, TaskPath } from '../core/ids.ts';
import type { EntryType } from '../core/instance/history/entry-types.ts';
import type { Approvals, Assignees, InstanceState, InstanceStatus, TaskError } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import type { Json } from '../core/json.ts';
import type { ChildRow } from './books.ts';
import type { Page } from './definition-store.ts';
import type { HumanRecord } from './human-task-record.ts';
import type { TriggersRow } from './schedules.ts';

export type InstanceFilter = {
  readonly status?: InstanceStatus;
  readonly definition?: string;
  readonly version?: number;
  readonly businessKey?: string;
  readonly parent?: InstanceId;
  /** Whether an attempt has failed, or was given back, after which the next one comes by itself. Not while the instance is paused. */
  readonly retrying?: boolean;
  /** Code of the error of one of its open incidents. An instance that is paused may have some too. */
  readonly incidentCode?: string;
  readonly startedFrom?: EpochMs;
  readonly startedTo?: EpochMs;
};

export type InstanceRow = {
  readonly instanceId: InstanceId;
  readonly definitionId: string;
  readonly definitionVersion: number;
  readonly businessKey: string | null;
  readonly status: InstanceStatus;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
};

export type InstanceView = {
  readonly row: InstanceRow;
  readonly version: number;
  /** With all scopes, so that the API says what is open and why. Which payloads it has is said by who reads it. */
  readonly state: InstanceState;
  readonly pending: readonly PendingCommand[];
};

/** That an instance is there, and how it stands. */
export type FoundInstance = {
  readonly row: InstanceRow;
  /** Of the last history entry. */
  readonly seq: number;
};

/** `omitted`: its payload is larger than one answer may hold, and null here. */
export type ListedEntry = HistoryEntry & { readonly omitted?: true };

export type HistoryPage = {
  readonly entries: readonly ListedEntry[];
  /** Entries follow: of more than were asked for, or of more than one answer may hold. */
  readonly hasMore: boolean;
};

export type HistoryOptions = {
  /** Only entries of these types. Default: of all. */
  readonly types?: readonly EntryType[];
  /** By their numbers. Default: `asc`, the oldest first. */
  readonly order?: 'asc' | 'desc';
  /** Of all entries of a page. Default: what one answer may hold. */
  readonly bytesMax?: number;
};

export type EarlierStart = { readonly instanceId: InstanceId; readonly definitionVersion: number; readonly bodyHash: string };

export type PendingCommand = {
  readonly commandId: CommandId;
  readonly type: string;
  readonly path: TaskPath | null;
  readonly by: string;
  readonly at: EpochMs;
};

export type TaskRow = {
  readonly taskId: TaskId;
  readonly instanceId: InstanceId;
  readonly path: TaskPath;
  readonly nodeId: string;
  readonly definitionId: string;
  readonly definitionVersion: number;
  readonly type: string;
  readonly queue: string | null;
  readonly status: string;
  readonly attempt: number;
  readonly input: Json;
  readonly output: Json;
  /** What is null here since it is larger than the answer may hold (page-limits.ts). */
  readonly omitted: readonly ('input' | 'output')[];
  readonly error: TaskError | null;
  /** Who claimed it; null once it has ended. */
  readonly assignee: string | null;
  /** Of a human task, also after it ended; null for any other. */
  readonly human: HumanRecord | null;
  readonly openedAt: EpochMs;
  readonly updatedAt: EpochMs;
};

export type HumanTaskRow = {
  readonly taskId: TaskId;
  readonly instanceId: InstanceId;
  readonly path: TaskPath;
  readonly attempt: number;
  readonly nodeId: string;
  readonly definitionId: string;
  readonly definitionVersion: number;
  readonly businessKey: string | null;
  readonly title: string;
  readonly assignees: Assignees;
  /** null: the first person who completes it decides. */
  readonly approvals: Pick<Approvals, 'atLeast' | 'of'> | null;
  /** Who has voted, and who may not decide it. */
  readonly voters: readonly string[];
  readonly excluded: readonly string[];
  /** Who claimed it. */
  readonly assignee: string | null;
  readonly dueAt: EpochMs | null;
  readonly openedAt: EpochMs;
};

export type HumanTaskFilter = {
  /** Claimed by, or assigned to, this person. */
  readonly assignee?: string;
  readonly role?: string;
  /** What this person can do now: claimed by, or assigned to, them or one of their roles, and not claimed by others, voted on or forbidden. */
  readonly mine?: Mine;
  readonly dueBefore?: EpochMs;
  readonly instanceId?: InstanceId;
  readonly definition?: string;
};

export type Mine = { readonly person: string; readonly roles: readonly string[] };

export type DeadLetterRow = {
  readonly id: string;
  readonly code: string;
  readonly reason: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer }[];
  readonly instanceId: string | null;
  readonly at: EpochMs;
  readonly status: 'open' | 'replayed' | 'discarded';
  /** What the dead letter does not hold of the original; null when it holds all. */
  readonly omitted: string | null;
};

/** A dead letter in a list: key, value and headers are cut (listed-dead-letter.ts). */
export type ListedDeadLetter = DeadLetterRow & {
  /** Length of the whole value. */
  readonly valueBytes: number;
};

export interface InstanceQueries {
  list(filter: InstanceFilter, limit: number, cursor: string | null): Promise<Page<InstanceRow>>;
  find(instanceId: InstanceId): Promise<FoundInstance | null>;
  /** Counts the steps of each; unknown ids are missing from the answer. */
  versionsOf(instanceIds: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, number>>;
  /** Of the payloads only its own input and output are there, and of `items` how many they are: what people are shown. */
  get(instanceId: InstanceId): Promise<InstanceView | null>;
  /** With every payload, however large: what `verify` compares. */
  getWhole(instanceId: InstanceId): Promise<InstanceView | null>;
  /** The start that used this idempotency key within 24 h. */
  startByKey(definitionId: string, key: string): Promise<EarlierStart | null>;
  /**
   * Entries that come behind the one with this number in that order: at least one, if there is one.
   * @param from null: from the first one on.
   */
  history(instanceId: InstanceId, from: number | null, limit: number, options?: HistoryOptions): Promise<HistoryPage>;
  /** Whole history with inputs and outputs put back in: what `verify` folds. */
  fullHistory(instanceId: InstanceId): Promise<readonly HistoryEntry[]>;
  /** Without what is large of inputs and outputs. */
  tasks(instanceId: InstanceId, limit: number, cursor: string | null): Promise<Page<TaskRow>>;
  task(instanceId: InstanceId, path: TaskPath): Promise<TaskRow | null>;
  inbox(filter: HumanTaskFilter, limit: number, cursor: string | null): Promise<Page<HumanTaskRow>>;
  /** The task that this person should do next: claimed ones first, then by due time, then the oldest; null: there is none. */
  nextTask(mine: Mine): Promise<HumanTaskRow | null>;
  inboxTask(instanceId: InstanceId, path: TaskPath): Promise<HumanTaskRow | null>;
  /** Instances not yet ended, by definition version: what a deploy answers. */
  runningByVersion(definitionId: string): Promise<readonly { readonly version: number; readonly running: number }[]>;
  deadLetters(status: DeadLetterRow['status'], limit: number, cursor: string | null): Promise<Page<ListedDeadLetter>>;
  deadLetter(id: string): Promise<DeadLetterRow | null>;
  /** @returns false when it was no longer open. */
  closeDeadLetter(id: string, status: 'replayed' | 'discarded', by: string): Promise<boolean>;
  /** Of definitions whose newest version has some, by id. @param definitionId only of this one. */
  triggers(definitionId: DefinitionId | null, limit: number, cursor: string | null): Promise<Page<TriggersRow>>;
  /** The books of an instance, by the ids of the children: what `verify` compares with its state. */
  books(instanceId: InstanceId): Promise<readonly ChildRow[]>;
  /** All ids in order, for `millrace verify`. */
  instanceIds(after: InstanceId | null, limit: number): Promise<readonly InstanceId[]>;
}
