/**
 * Writing the instance database: the port. `postgres/` and `memory/` implement it. Every write of an instance goes through `start`
 * or `apply`; all methods are told the partition, so that the database can later be split by partition range. While the database
 * is unavailable, every method throws a retryable `MillraceError`.
 */
import type { DueTimer } from '../core/due-timer.ts';
import type { MillraceError } from '../core/error.ts';
import type { ExternalEvent } from '../core/external-event.ts';
import type { CommandId, DefinitionId, EpochMs, InstanceId, ScopePath, TaskPath } from '../core/ids.ts';
import type { DecidedAttempt, PersonCommand } from '../core/instance/decide/notification.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import type { InstanceState, StatePart } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import type { Json } from '../core/json.ts';
import type { OutboxMessage } from '../core/outbox-message.ts';
import type { InParts } from '../core/parts.ts';
import type { Advanced, ScheduleEntry } from '../core/triggers/schedule.ts';
import type { ChildRow } from './books.ts';
import type { ScheduleName, ScheduleRow } from './schedules.ts';
import type { NeededScopes } from './stored/partial-state.ts';
import type { TaskOutputs } from './task-outputs.ts';
import type { DeployedTriggers, FailedStart, TriggerSet, TriggerSwitch } from './triggers.ts';

/**
 * An open task that the outbox has no row of: whoever ran the one before goes on with it, or it is produced after the commit. No part
 * of the state, and so of no version and no history: they are the same whether a task is held or sent.
 */
export type HeldTask = DecidedAttempt;

/** What a step makes of the held tasks of its instance: those that are in neither list are held no more. */
export type HeldChange = {
  /** Those that the decision knew of and leaves; one that was released meanwhile is not held again. */
  readonly kept: readonly HeldTask[];
  readonly added: readonly HeldTask[];
};

export type StoredInstance = {
  readonly state: InstanceState;
  readonly version: number;
  /** Absent: none. */
  readonly held?: readonly HeldTask[];
};

/** A task that is held no more: it is sent instead. */
export type ReleasedTask = { readonly instanceId: InstanceId; readonly held: HeldTask; readonly message: OutboxMessage };

/** An instance to load. `scopes`: the ones to load beside its own, with those around them. */
export type WantedInstance = { readonly instanceId: InstanceId; readonly scopes: readonly ScopePath[] | 'all' };

/** One instance's step, ready to be written whole or not at all. */
export type Transition = {
  readonly instanceId: InstanceId;
  readonly partition: number;
  /** What the decision was made from; null and version 0 for a start. Rows that changed are found by comparing `before` and `after`. */
  readonly before: InstanceState | null;
  readonly expectedVersion: number;
  readonly after: InstanceState;
  /** Empty when only results are to be written (a refused command, a returned event): state and version stay then. */
  readonly history: readonly HistoryEntry[];
  readonly effects: readonly Effect[];
  readonly messages: readonly OutboxMessage[];
  /** Absent: as the row has it. */
  readonly held?: HeldChange;
};

export type Start = {
  readonly transition: Transition;
  /** Scope: the definition. `bodyHash` is of the canonical request body. */
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
};

export type StartResult =
  | { readonly kind: 'started' }
  /** The key was used within 24 h with the same body: nothing was written. */
  | { readonly kind: 'repeated'; readonly instanceId: InstanceId; readonly definitionVersion: number }
  | { readonly kind: 'keyReused' }
  /** Of a child: it is there already. Nothing was written. */
  | { readonly kind: 'present' }
  /** Of a child: it is not there, and too old to tell whether it ever was. Nothing was written. */
  | { readonly kind: 'gone' }
  /** The database always refuses this one (`MR_MESSAGE_TOO_LARGE`, …); the others were written. */
  | { readonly kind: 'failed'; readonly error: MillraceError };

export type Subscription = {
  readonly instanceId: InstanceId;
  readonly partition: number;
  readonly path: TaskPath;
  readonly attempt: number;
  readonly wait: number;
  readonly where: { readonly source: string; readonly scope: { readonly [root: string]: Json } } | null;
};

/** Evaluates `where` (pure) and makes the `EventMatched` outbox row. The engine gives it to the store. */
export type EventMatcher = {
  matches(where: NonNullable<Subscription['where']>, event: ExternalEvent): 'yes' | 'no' | { readonly failed: string };
  encode(subscription: Subscription, event: ExternalEvent, eventRowId: string, whereError: string | null): OutboxMessage;
};

/** The decision on an event by the triggers of one definition. */
export type EventStart = { readonly kind: 'start'; readonly start: Start } | { readonly kind: 'failed'; readonly reason: string };

/** null: none of its triggers is for the event. Pure. */
export type DecideEventStart = (set: TriggerSet, event: ExternalEvent) => InParts<EventStart | null> | null;

/** Given to the store by whoever wires it. */
export type EventStarter = {
  /** Resolves once these versions can be decided on without waiting. Throws a retryable MillraceError while something is away. */
  prepare(sets: readonly TriggerSet[]): Promise<DecideEventStart>;
  /** Makes the dead letter of a definition that could not be started, written in the same transaction: the event is not looked at again. */
  deadLetter(failed: FailedStart): OutboxMessage;
};

export type AdvancedSchedule = Advanced & { readonly starts: readonly { readonly time: EpochMs; readonly start: Start }[] };

/** Pure. `refused`: times whose start was refused, with the reason. */
export type DecideSchedule = (seen: {
  readonly now: EpochMs;
  readonly hasEnded: boolean;
  readonly refused: ReadonlyMap<EpochMs, string>;
}) => AdvancedSchedule;

/** Given to the store by whoever wires it. Throws a retryable MillraceError while something is away. */
export type ScheduleRunner = { prepare(row: ScheduleRow): Promise<DecideSchedule> };

export type ScheduleStep = {
  /** The schedule that was advanced, as it was before, and what happened at its times; null: there was nothing to do. */
  readonly advanced: { readonly row: ScheduleRow; readonly entries: readonly ScheduleEntry[] } | null;
  readonly nextDueAt: EpochMs | null;
  readonly now: EpochMs;
};

export type CorrelationCounts = {
  /** Deliveries made. */
  readonly matched: number;
  /** Instances started. */
  readonly started: number;
  readonly buffered: number;
  /** (source, id) seen within 24 h. */
  readonly duplicates: number;
  /** No deployed version names the type. */
  readonly ignored: number;
};

export type Correlated = CorrelationCounts & {
  /** Starts by triggers that failed, each with its dead letter written. Everything else was done. */
  readonly failed: readonly FailedStart[];
};

export type NewCommand = {
  readonly commandId: CommandId;
  readonly instanceId: InstanceId;
  readonly partition: number;
  readonly type:
    | 'cancel'
    | 'pause'
    | 'resume'
    | 'retry'
    | 'setVars'
    | 'completeNode'
    | 'skipNode'
    | 'rerunNode'
    | 'migrate'
    | PersonCommand['type'];
  readonly path: TaskPath | null;
  /** Of commands on human tasks: accepted only while this attempt is open. */
  readonly attempt: number | null;
  readonly payload: Json;
  readonly by: string;
  readonly message: OutboxMessage;
};

export type CommandResult =
  | { readonly status: 'pending' }
  | { readonly status: 'applied'; readonly at: EpochMs }
  | { readonly status: 'refused'; readonly code: string; readonly reason: string; readonly at: EpochMs };

export type NewDeadLetter = {
  /** Where it stands in `<prefix>.dead-letters`: unique. */
  readonly partition: number;
  readonly offset: string;
  readonly code: string;
  readonly reason: string;
  /** What the dead letter does not hold of the original; null when it holds all. */
  readonly omitted: string | null;
  readonly original: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly { readonly key: string; readonly value: Buffer }[];
  };
  readonly instanceId: string | null;
  readonly at: EpochMs;
};

export type OpenAutomatedTask = {
  readonly instanceId: InstanceId;
  readonly partition: number;
  readonly path: TaskPath;
  readonly attempt: number;
  readonly type: 'http' | 'task';
  readonly queue: string | null;
  readonly timeoutMs: number;
  readonly dispatchedAt: EpochMs;
};

/** How much one page may look at, so that no page is long, whatever is open. */
export type OpenTasksLimits = {
  /** Instances that may have such tasks, of all partitions. */
  readonly instances: number;
  /** Tasks of any status, of the partitions that are asked for. */
  readonly tasks: number;
};

/** How far a pass over all open tasks has come: the last task that was looked at. */
export type OpenTasksPosition = {
  readonly instanceId: InstanceId;
  /** null: all tasks of the instance were. */
  readonly path: TaskPath | null;
};

export type OpenTasksPage = {
  readonly tasks: readonly OpenAutomatedTask[];
  /** null: nothing is left. */
  readonly next: OpenTasksPosition | null;
};

export type FiredTimers = {
  readonly fired: number;
  /** Timeouts of waits that are due, and are held back. */
  readonly held: boolean;
  /** Of the earliest one left that is not held back. */
  readonly nextDueAt: EpochMs | null;
  readonly now: EpochMs;
};

/** Longest that a timeout of a wait is held back: a partition of events that is not consumed must not stop deadlines for ever. */
export const timeoutHeldMsMax = 300_000;

export interface InstanceStore extends TaskOutputs {
  /**
   * All of them in one transaction and one round trip; those whose idempotency key was used write nothing. A child, whose
   * state names a parent, is written unless it is there or too old (`CHILD_AGE_MS_MAX`), by the database's clock in that very statement.
   */
  start(starts: readonly Start[]): Promise<readonly StartResult[]>;
  /** States with the scopes that are wanted and their payloads. Unknown ids are missing from the answer. */
  load(partition: number, wanted: readonly WantedInstance[]): Promise<ReadonlyMap<InstanceId, StoredInstance>>;
  /**
   * Scopes that a state lacks (`ScopesNeeded`), as they are in this very version of it.
   * @returns null when the instance has another version by now: load it again.
   */
  loadScopes(partition: number, instanceId: InstanceId, version: number, needed: NeededScopes): Promise<readonly StatePart[] | null>;
  /**
   * One transaction; one round trip unless subscriptions open. At most one transition per instance.
   * @returns the ids that won the version check. The others wrote nothing: load them again and decide again.
   */
  apply(
    partition: number,
    transitions: readonly Transition[],
  ): Promise<{ readonly applied: ReadonlySet<InstanceId>; readonly now: EpochMs }>;
  /**
   * Writes the messages of tasks that are still held, if their instance runs and is not paused, and holds them no longer: all of an
   * instance, or none. No version of an instance changes.
   * @returns the instances whose tasks were sent.
   */
  release(partition: number, tasks: readonly ReleasedTask[]): Promise<ReadonlySet<InstanceId>>;
  /** The database's clock. */
  now(): Promise<EpochMs>;

  /**
   * Takes due timers (SKIP LOCKED), deletes them and writes their messages in one transaction.
   * @param eventsReadUntil by the database's clock: events that came before were correlated. The timeout of a wait that is due
   * later is held back, since the event that it waits for may have come; after `timeoutHeldMsMax` it fires all the same.
   */
  fireTimers(limit: number, encode: (timer: DueTimer) => OutboxMessage, eventsReadUntil: EpochMs): Promise<FiredTimers>;

  /** Takes children that are to be asked after (SKIP LOCKED), sets their next time and writes their messages in one transaction. @returns how many. */
  askChildren(limit: number, encode: (child: ChildRow) => OutboxMessage): Promise<number>;

  /**
   * Delivers events to open subscriptions and starts instances by triggers; keeps the events that nobody had.
   * @param starter without one, no trigger is looked at.
   */
  correlate(events: readonly ExternalEvent[], matcher: EventMatcher, starter?: EventStarter): Promise<Correlated>;
  /** Applies events to the triggers of one definition only: tries starts again that failed before. */
  startByEvents(
    definitionId: DefinitionId,
    events: readonly ExternalEvent[],
    starter: EventStarter,
  ): Promise<Pick<Correlated, 'started' | 'failed'>>;
  /** After the version, and before the deploy answers. A higher version that is there already stays. */
  deployTriggers(triggers: DeployedTriggers): Promise<void>;
  /** @returns false when the definition has none. */
  switchTriggers(change: TriggerSwitch): Promise<boolean>;
  /**
   * Takes a schedule whose time has come, or whose run has ended (SKIP LOCKED), and starts what is to start, in one transaction.
   * @param except that are left alone; default: none.
   */
  advanceSchedule(runner: ScheduleRunner, except?: readonly ScheduleName[]): Promise<ScheduleStep>;

  /**
   * @returns false when the human task is no longer open, somebody has completed or failed it already, or this person has voted
   * already.
   */
  issueCommand(command: NewCommand): Promise<boolean>;
  commandResult(commandId: CommandId): Promise<CommandResult | null>;
  /** Writes rows to the outbox and nothing else (`POST /events`, redispatch). */
  publish(messages: readonly OutboxMessage[]): Promise<void>;

  /** Claims are the API's own: one conditional UPDATE. @returns who holds it now, or null when the task is not open. */
  claim(instanceId: InstanceId, path: TaskPath, assignee: string): Promise<{ readonly assignee: string; readonly won: boolean } | null>;
  unclaim(instanceId: InstanceId, path: TaskPath, assignee: string | null): Promise<boolean>;

  saveDeadLetters(deadLetters: readonly NewDeadLetter[]): Promise<void>;

  /**
   * Automated tasks of these partitions' instances that are open since before `dispatchedBefore`, by instance and path: what a page
   * within the limits finds, which may be nothing. Instances that started after that moment, by the clock of whoever made their ids, are not looked at.
   * @param after `next` of the page before.
   */
  openAutomatedTasks(
    partitions: readonly number[],
    dispatchedBefore: EpochMs,
    limits: OpenTasksLimits,
    after?: OpenTasksPosition | null,
  ): Promise<OpenTasksPage>;

  /** Event types that deployed versions name: the correlator keeps only these. */
  registerEventTypes(types: readonly string[]): Promise<void>;
  eventTypes(): Promise<ReadonlySet<string>>;

  /** Topics that the outbox takes messages for; any other fails what writes it (`MR_OUTBOX_TOPIC_UNKNOWN`). After the broker has them. */
  registerTopics(topics: readonly string[]): Promise<void>;
}
