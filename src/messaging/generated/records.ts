/** Generated from schemas/*.avsc by `npm run schemas:generate`: change those, never this. */

import type { EpochMs } from '../../core/ids.ts';

/** A JSON value as its text. */
export type JsonText = string;

/** What became of a child, told to its parent. */
export type ChildEnd = {
  /** The parent, an instance or a schedule: the id that the child's start named, and the record's key. */
  readonly instanceId: string;
  /** The child: UUIDv7 in lower case. */
  readonly childId: string;
  /** instance or schedule. */
  readonly parentKind: string;
  /** The workflow task of the parent that asked for it; null for a schedule. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly parentTaskId: string | null;
  /** The attempt of that task; null for a schedule. */
  readonly parentAttempt: number | null;
  /** The number of the schedule's run; null for an instance. */
  readonly parentRun: number | null;
  /** completed, failed, cancelled; started, to the parent of a detached child; unknown: a word came for a child that is not there; gone: it is not there, and too old to tell whether it ever was. */
  readonly result: string;
  /** The output of a completed child, as JSON; null otherwise. */
  readonly output: JsonText | null;
  /** Why a child failed: its error's code; null otherwise. */
  readonly errorCode: string | null;
  /** Why a child failed, for people; null otherwise. */
  readonly errorMessage: string | null;
  /** When it was decided, by the clock of the instance database. */
  readonly at: EpochMs;
};

/** A parent asks for a child instance, with all that its start needs. It may come again, and late. */
export type ChildStart = {
  /** The child: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** instance or schedule. */
  readonly parentKind: string;
  /** The instance that asked for the child, or the schedule whose run it is: a UUID in lower case. */
  readonly parentId: string;
  /** The workflow task of the parent that asked for it; null for a schedule. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly parentTaskId: string | null;
  /** The attempt of that task; null for a schedule. */
  readonly parentAttempt: number | null;
  /** The number of the schedule's run; null for an instance. */
  readonly parentRun: number | null;
  /** How many instances stand above it: 1 for the child of an instance that nobody asked for, or for the run of a schedule. */
  readonly depth: number;
  /** Whether the parent wants to hear only that the child has started. */
  readonly detached: boolean;
  /** What the parent wants: run, pause or cancel. */
  readonly wish: string;
  /** Number of the wish, counted up by the parent. A child applies only a higher one than it has applied. */
  readonly number: number;
  /** The definition that the child is, or would be, an instance of. */
  readonly definitionId: string;
  /** Its version; null for the latest one, as the child's orchestrator finds it. */
  readonly definitionVersion: number | null;
  /** The input of the child, as JSON. */
  readonly input: JsonText;
  /** The business key of the child; null: none. */
  readonly businessKey: string | null;
  /** When it was decided, by the clock of the instance database. */
  readonly at: EpochMs;
};

/** What a parent wants of a child that it asked for: something changed, or nothing was heard of the child for long. */
export type ChildWord = {
  /** The child: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** instance or schedule. */
  readonly parentKind: string;
  /** The instance that asked for the child, or the schedule whose run it is: a UUID in lower case. */
  readonly parentId: string;
  /** The workflow task of the parent that asked for it; null for a schedule. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly parentTaskId: string | null;
  /** The attempt of that task; null for a schedule. */
  readonly parentAttempt: number | null;
  /** The number of the schedule's run; null for an instance. */
  readonly parentRun: number | null;
  /** How many instances stand above it: 1 for the child of an instance that nobody asked for, or for the run of a schedule. */
  readonly depth: number;
  /** Whether the parent wants to hear only that the child has started. */
  readonly detached: boolean;
  /** What the parent wants: run, pause or cancel. */
  readonly wish: string;
  /** Number of the wish, counted up by the parent. A child applies only a higher one than it has applied. */
  readonly number: number;
  /** The definition that the child is, or would be, an instance of. */
  readonly definitionId: string;
  /** Its version; null for the latest one, as the child's orchestrator finds it. */
  readonly definitionVersion: number | null;
  /** When it was decided, by the clock of the instance database. */
  readonly at: EpochMs;
};

/** A person's or an operator's command to a running instance. Applied once. */
export type CommandIssued = {
  /** UUID of the command. The result of the command is stored under it. */
  readonly commandId: string;
  /** The instance it belongs to: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** cancel, pause, resume, retry, setVars, completeNode, skipNode, rerunNode, migrate, completeTask, voteTask, failTask, delegateTask, commentTask or redispatch. */
  readonly type: string;
  /** The task it is about; null when it is about the whole instance. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly taskId: string | null;
  /** The attempt it is about: always for what people do to tasks, for completeNode, skipNode, rerunNode and redispatch, for retry where one task is named; null otherwise. */
  readonly attempt: number | null;
  /** What the command carries, as JSON: output of completeTask and voteTask, error of failTask, reason of cancel, of a retry of all incidents the attempt that raised each by its path; { vars, output, reason } of setVars, completeNode, skipNode and rerunNode, as far as it has them; { version, reason } of migrate. */
  readonly payload: JsonText | null;
  /** Subject of the API key, or the person that an admin key acted for. */
  readonly by: string;
  /** When it was accepted, by the clock of the instance database. */
  readonly at: EpochMs;
  /** What the person chose, of completeTask and voteTask; null where there is nothing to choose. */
  readonly outcome: string | null;
  /** What the person said, of completeTask, voteTask, delegateTask and commentTask. */
  readonly comment: string | null;
  /** Who has the task now, of delegateTask. */
  readonly delegateTo: string | null;
  /** The instance that passes a retry on to its child; null where nobody does. */
  readonly passedOnBy: string | null;
};

/** A message that can never be processed, kept with the reason, whole where it fits. */
export type DeadLetter = {
  /** Error code, e.g. MR_NOT_FRAMED; see docs/errors.md. */
  readonly code: string;
  /** The reason, for people. It quotes nothing of the message. */
  readonly reason: string;
  /** Where the original stands. */
  readonly topic: string;
  /** Where the original stands. */
  readonly partition: number;
  /** Where the original stands. */
  readonly offset: number;
  /** The original's key; only its beginning where `omitted` names it. */
  readonly key: Buffer | null;
  /** The original's bytes, unchanged; null for a tombstone, and where `omitted` names it. */
  readonly value: Buffer | null;
  /** The original's headers in their order; only the first ones where `omitted` names them. */
  readonly headers: readonly OriginalHeader[];
  /** When the dead letter was written, by the clock of the process that wrote it. */
  readonly at: EpochMs;
  /** The instance that the message was for; null when it could not be determined. */
  readonly instanceId: string | null;
  /** What this letter does not hold of the original, because it is too large, e.g. value, or key, value; null when it is whole. */
  readonly omitted: string | null;
};

/** One version of a definition, for workers that go on by themselves. Key: the id, @ and the version. Any number of times, always the same. */
export type DefinitionVersion = {
  /** The definition. */
  readonly definitionId: string;
  /** Its version, which never changes. */
  readonly version: number;
  /** The document as it was deployed. */
  readonly document: JsonText;
};

/** An external event matches a subscription of this instance. */
export type EventMatched = {
  /** The instance it belongs to: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** The event task that waits. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly taskId: string;
  /** The attempt of the event task whose subscription matched. */
  readonly attempt: number;
  /** Which of the node's waits matched, counted from 0. */
  readonly wait: number;
  /** Id of the event's row in the event buffer, a decimal number: an event that the instance refuses is put back there. */
  readonly eventRowId: string;
  /** The event's id, unique with its source. */
  readonly eventId: string;
  /** The event's type. */
  readonly eventType: string;
  /** The system that sent the event. */
  readonly eventSource: string;
  /** The event's correlation key. */
  readonly eventKey: string;
  /** When the event happened, by the clock of its sender; null when the sender gave no time. */
  readonly eventTime: EpochMs | null;
  /** The event's data, as JSON. */
  readonly data: JsonText;
  /** Set when the subscription's `where` failed on this event: the node comes under an incident. */
  readonly whereError: string | null;
};

/** An event from another system, or one that a publish node sends. */
export type ExternalEvent = {
  /** Unique with the source: a repeat within 24 h is dropped. */
  readonly id: string;
  /** Type of the event, e.g. payment.confirmed. Event nodes of definitions name it. */
  readonly type: string;
  /** The system that sends the event. */
  readonly source: string;
  /** Correlation key: the event goes to the instances that wait for its type and this key. Also the record's key. At most 500 characters. */
  readonly key: string;
  /** When the event happened, by the clock of its sender; null when the sender gave no time. */
  readonly time: EpochMs | null;
  /** The event's data, as JSON. */
  readonly data: JsonText;
};

/** A change of an instance, for whoever follows it. At most one record per instance and transaction. */
export type InstanceChanged = {
  /** The instance it belongs to: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** The workflow definition of the instance. */
  readonly definitionId: string;
  /** The version of the definition that the instance runs, counted from 1. */
  readonly definitionVersion: number;
  /** The key that the start gave, if any. */
  readonly businessKey: string | null;
  /** started, migrated, ended, incident, paused, resumed, reminder, escalation or task. */
  readonly change: string;
  /** The instance's status afterwards: running, paused, incident, completed, failed or cancelled. */
  readonly status: string;
  /** The task that it is about, if any. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly taskId: string | null;
  /** Number of the history entry of the change: live streams read the history up to it. */
  readonly seq: number;
  /** When, by the clock of the instance database. */
  readonly at: EpochMs;
};

/** Whether a queue is paused, for its workers. Key: the queue. The last record of a queue counts; a queue without one is not paused. */
export type QueueState = {
  /** The queue; http for the tasks of http nodes. */
  readonly queue: string;
  /** Whether its workers begin no task. */
  readonly paused: boolean;
  /** Who paused or resumed it: the subject of an API key. */
  readonly by: string;
  /** When, by the clock of the instance database. */
  readonly at: EpochMs;
  /** Why it was paused; null: nobody said. */
  readonly reason: string | null;
};

/** How an attempt of a task ended, reported by the worker that ran it. */
export type TaskOutcome = {
  /** <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly taskId: string;
  /** The instance it belongs to: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** The attempt of the TaskScheduled record. */
  readonly attempt: number;
  /** The basis of the TaskScheduled record, unchanged. */
  readonly basis: string;
  /** completed, failed, timedOut or returned. returned: the worker has no handler for the task; the task is sent again, and no retry is counted. */
  readonly status: string;
  /** The output of the handler, as JSON; null unless completed. */
  readonly output: JsonText | null;
  /** HTTP_<status>, NETWORK, TIMEOUT, INPUT_INVALID, OUTPUT_INVALID or the handler's own; null when completed or returned. */
  readonly errorCode: string | null;
  /** The error message, for people; null when completed or returned. */
  readonly errorMessage: string | null;
  /** false: no further attempt is made, even if retries are left. null means true. */
  readonly retryable: boolean | null;
  /** Shortest wait before the next attempt, in ms, as the called service asked for (Retry-After); null when it did not. */
  readonly retryAfterMs: number | null;
  /** What the called service said, as JSON of at most 4 KiB, for people and expressions; longer ones are left out. null: nothing. */
  readonly errorDetails: JsonText | null;
  /** The process that ran the attempt, for people. */
  readonly worker: string;
  /** When the attempt began, by the worker's clock; only for display. */
  readonly startedAt: EpochMs;
  /** When the attempt ended, by the worker's clock; only for display. */
  readonly finishedAt: EpochMs;
  /** The next task, which the worker runs without a record of it; null: there is none. */
  readonly continuing: Continuing | null;
  /** Where the output is too large for a record: what it is, and the worker has given it to the API before, by task, attempt and basis; output is empty then. null: the output stands in the record. */
  readonly outputReference: OutputReference | null;
};

/** One attempt of a task for a worker of its queue. The idempotency key of the work is (taskId, basis), the same for every attempt. */
export type TaskScheduled = {
  /** <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly taskId: string;
  /** The instance it belongs to: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** The node of the definition; inside a loop it reads loop/node. */
  readonly nodeId: string;
  /** The workflow definition of the instance. */
  readonly definitionId: string;
  /** The version of the definition that the instance runs, counted from 1. */
  readonly definitionVersion: number;
  /** Kind of work: http or task. A worker reports a kind that it does not know as returned. */
  readonly type: string;
  /** The handler's name; null for http. */
  readonly task: string | null;
  /** The queue whose topic carries the record; null for http, whose topic has no queue name. */
  readonly queue: string | null;
  /** Counted from 1; an instance never uses a number of a task twice. */
  readonly attempt: number;
  /** Hash of what the task was decided from; comes back with the outcome, which is applied only if task, attempt and basis are those of the open task. */
  readonly basis: string;
  /** The input of the handler, or the request of an http node, as JSON. */
  readonly input: JsonText;
  /** How long one attempt may take, in ms, counted by the worker from the start of the attempt. */
  readonly timeoutMs: number;
  /** When the attempt was sent, by the clock of the instance database. */
  readonly dispatchedAt: EpochMs;
  /** Places in the input where the worker puts secrets of its own, in their order; null when there are none. The text of a reference at any other place is data. */
  readonly secrets: readonly SecretUse[] | null;
  /** What a worker needs to go on by itself after this task; null: it does not. */
  readonly continuation: Continuation | null;
  /** Where the input is too large for a record: what it is, and the worker gets it from the API by task and attempt; input is empty then. null: the input stands in the record. */
  readonly inputReference: InputReference | null;
};

/** A timer of an instance came due. */
export type TimerFired = {
  /** The instance it belongs to: UUIDv7 in lower case, and the record's key. */
  readonly instanceId: string;
  /** Id of the timer within its instance. A timer that the instance no longer has is ignored. */
  readonly timerId: string;
  /** retry, wait, timeout, queueTimeout, reminder, escalation or instanceTimeout. */
  readonly kind: string;
  /** The task that the timer belongs to; null for the instance's own. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots. */
  readonly taskId: string | null;
  /** The attempt that the timer was armed for; 0 for the instance's own. */
  readonly attempt: number;
  /** When it was due, by the clock of the instance database. */
  readonly dueAt: EpochMs;
};

/** One header of the original; a key may come several times. */
export type OriginalHeader = {
  /** The header's name. */
  readonly key: string;
  /** The header's bytes. */
  readonly value: Buffer;
};

/** An attempt that a worker goes on with by itself. */
export type Continuing = {
  /** The task. */
  readonly taskId: string;
  /** Its attempt. */
  readonly attempt: number;
  /** The basis that the worker has decided for it. */
  readonly basis: string;
};

/** An output that the instance database holds until the outcome is applied. */
export type OutputReference = {
  /** Length of the JSON in UTF-8 bytes. */
  readonly bytes: number;
  /** SHA-256 of these bytes, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
};

/** One reference to a secret. */
export type SecretUse = {
  /** JSON pointer to the string in the input. */
  readonly pointer: string;
  /** Where ${ secrets.NAME } begins in the string, in UTF-16 units. */
  readonly offset: number;
  /** The secret's name. */
  readonly name: string;
  /** How the value is written: none, component (of a url) or base (what a longer url begins with). */
  readonly encoding: string;
};

/** The state of an instance as its open task was decided, for a worker that goes on by itself. */
export type Continuation = {
  /** Number of what the engine decides: one with another number does not go on. */
  readonly engine: number;
  /** The state after the step that opened the task, as JSON. */
  readonly state: JsonText;
};

/** An input that the instance database holds. */
export type InputReference = {
  /** Length of the JSON in UTF-8 bytes. */
  readonly bytes: number;
  /** SHA-256 of these bytes, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
};

/** Every record that travels, by its name. */
export type Records = {
  readonly ChildEnd: ChildEnd;
  readonly ChildStart: ChildStart;
  readonly ChildWord: ChildWord;
  readonly CommandIssued: CommandIssued;
  readonly DeadLetter: DeadLetter;
  readonly DefinitionVersion: DefinitionVersion;
  readonly EventMatched: EventMatched;
  readonly ExternalEvent: ExternalEvent;
  readonly InstanceChanged: InstanceChanged;
  readonly QueueState: QueueState;
  readonly TaskOutcome: TaskOutcome;
  readonly TaskScheduled: TaskScheduled;
  readonly TimerFired: TimerFired;
};

export type RecordName = keyof Records;

export const recordNames = ['ChildEnd', 'ChildStart', 'ChildWord', 'CommandIssued', 'DeadLetter', 'DefinitionVersion', 'EventMatched', 'ExternalEvent', 'InstanceChanged', 'QueueState', 'TaskOutcome', 'TaskScheduled', 'TimerFired'] as const satisfies readonly RecordName[];

/** Full names, as the registry and other readers see them. */
export const fullNames = {
  ChildEnd: 'millrace.notification.ChildEnd',
  ChildStart: 'millrace.notification.ChildStart',
  ChildWord: 'millrace.notification.ChildWord',
  CommandIssued: 'millrace.notification.CommandIssued',
  DeadLetter: 'millrace.deadletter.DeadLetter',
  DefinitionVersion: 'millrace.definition.DefinitionVersion',
  EventMatched: 'millrace.notification.EventMatched',
  ExternalEvent: 'millrace.event.ExternalEvent',
  InstanceChanged: 'millrace.lifecycle.InstanceChanged',
  QueueState: 'millrace.queue.QueueState',
  TaskOutcome: 'millrace.notification.TaskOutcome',
  TaskScheduled: 'millrace.task.TaskScheduled',
  TimerFired: 'millrace.notification.TimerFired',
} as const satisfies Record<RecordName, string>;

/** The Avro schemas, as JSON texts. */
export const schemaTexts = {
  ChildEnd: "{\"type\":\"record\",\"name\":\"ChildEnd\",\"namespace\":\"millrace.notification\",\"doc\":\"What became of a child, told to its parent.\",\"fields\":[{\"name\":\"instanceId\",\"doc\":\"The parent, an instance or a schedule: the id that the child's start named, and the record's key.\",\"type\":\"string\"},{\"name\":\"childId\",\"doc\":\"The child: UUIDv7 in lower case.\",\"type\":\"string\"},{\"name\":\"parentKind\",\"doc\":\"instance or schedule.\",\"type\":\"string\"},{\"name\":\"parentTaskId\",\"doc\":\"The workflow task of the parent that asked for it; null for a schedule. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"parentAttempt\",\"doc\":\"The attempt of that task; null for a schedule.\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"parentRun\",\"doc\":\"The number of the schedule's run; null for an instance.\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"result\",\"doc\":\"completed, failed, cancelled; started, to the parent of a detached child; unknown: a word came for a child that is not there; gone: it is not there, and too old to tell whether it ever was.\",\"type\":\"string\"},{\"name\":\"output\",\"doc\":\"The output of a completed child, as JSON; null otherwise.\",\"type\":[\"null\",{\"type\":\"string\",\"logicalType\":\"json\"}],\"default\":null},{\"name\":\"errorCode\",\"doc\":\"Why a child failed: its error's code; null otherwise.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"errorMessage\",\"doc\":\"Why a child failed, for people; null otherwise.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"at\",\"doc\":\"When it was decided, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}",
  ChildStart: "{\"type\":\"record\",\"name\":\"ChildStart\",\"namespace\":\"millrace.notification\",\"doc\":\"A parent asks for a child instance, with all that its start needs. It may come again, and late.\",\"fields\":[{\"name\":\"instanceId\",\"doc\":\"The child: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"parentKind\",\"doc\":\"instance or schedule.\",\"type\":\"string\"},{\"name\":\"parentId\",\"doc\":\"The instance that asked for the child, or the schedule whose run it is: a UUID in lower case.\",\"type\":\"string\"},{\"name\":\"parentTaskId\",\"doc\":\"The workflow task of the parent that asked for it; null for a schedule. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"parentAttempt\",\"doc\":\"The attempt of that task; null for a schedule.\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"parentRun\",\"doc\":\"The number of the schedule's run; null for an instance.\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"depth\",\"doc\":\"How many instances stand above it: 1 for the child of an instance that nobody asked for, or for the run of a schedule.\",\"type\":\"int\"},{\"name\":\"detached\",\"doc\":\"Whether the parent wants to hear only that the child has started.\",\"type\":\"boolean\"},{\"name\":\"wish\",\"doc\":\"What the parent wants: run, pause or cancel.\",\"type\":\"string\"},{\"name\":\"number\",\"doc\":\"Number of the wish, counted up by the parent. A child applies only a higher one than it has applied.\",\"type\":\"int\"},{\"name\":\"definitionId\",\"doc\":\"The definition that the child is, or would be, an instance of.\",\"type\":\"string\"},{\"name\":\"definitionVersion\",\"doc\":\"Its version; null for the latest one, as the child's orchestrator finds it.\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"input\",\"doc\":\"The input of the child, as JSON.\",\"type\":{\"type\":\"string\",\"logicalType\":\"json\"}},{\"name\":\"businessKey\",\"doc\":\"The business key of the child; null: none.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"at\",\"doc\":\"When it was decided, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}",
  ChildWord: "{\"type\":\"record\",\"name\":\"ChildWord\",\"namespace\":\"millrace.notification\",\"doc\":\"What a parent wants of a child that it asked for: something changed, or nothing was heard of the child for long.\",\"fields\":[{\"name\":\"instanceId\",\"doc\":\"The child: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"parentKind\",\"doc\":\"instance or schedule.\",\"type\":\"string\"},{\"name\":\"parentId\",\"doc\":\"The instance that asked for the child, or the schedule whose run it is: a UUID in lower case.\",\"type\":\"string\"},{\"name\":\"parentTaskId\",\"doc\":\"The workflow task of the parent that asked for it; null for a schedule. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"parentAttempt\",\"doc\":\"The attempt of that task; null for a schedule.\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"parentRun\",\"doc\":\"The number of the schedule's run; null for an instance.\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"depth\",\"doc\":\"How many instances stand above it: 1 for the child of an instance that nobody asked for, or for the run of a schedule.\",\"type\":\"int\"},{\"name\":\"detached\",\"doc\":\"Whether the parent wants to hear only that the child has started.\",\"type\":\"boolean\"},{\"name\":\"wish\",\"doc\":\"What the parent wants: run, pause or cancel.\",\"type\":\"string\"},{\"name\":\"number\",\"doc\":\"Number of the wish, counted up by the parent. A child applies only a higher one than it has applied.\",\"type\":\"int\"},{\"name\":\"definitionId\",\"doc\":\"The definition that the child is, or would be, an instance of.\",\"type\":\"string\"},{\"name\":\"definitionVersion\",\"doc\":\"Its version; null for the latest one, as the child's orchestrator finds it.\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"at\",\"doc\":\"When it was decided, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}",
  CommandIssued: "{\"type\":\"record\",\"name\":\"CommandIssued\",\"namespace\":\"millrace.notification\",\"doc\":\"A person's or an operator's command to a running instance. Applied once.\",\"fields\":[{\"name\":\"commandId\",\"doc\":\"UUID of the command. The result of the command is stored under it.\",\"type\":\"string\"},{\"name\":\"instanceId\",\"doc\":\"The instance it belongs to: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"type\",\"doc\":\"cancel, pause, resume, retry, setVars, completeNode, skipNode, rerunNode, migrate, completeTask, voteTask, failTask, delegateTask, commentTask or redispatch.\",\"type\":\"string\"},{\"name\":\"taskId\",\"doc\":\"The task it is about; null when it is about the whole instance. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"attempt\",\"doc\":\"The attempt it is about: always for what people do to tasks, for completeNode, skipNode, rerunNode and redispatch, for retry where one task is named; null otherwise.\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"payload\",\"doc\":\"What the command carries, as JSON: output of completeTask and voteTask, error of failTask, reason of cancel, of a retry of all incidents the attempt that raised each by its path; { vars, output, reason } of setVars, completeNode, skipNode and rerunNode, as far as it has them; { version, reason } of migrate.\",\"type\":[\"null\",{\"type\":\"string\",\"logicalType\":\"json\"}],\"default\":null},{\"name\":\"by\",\"doc\":\"Subject of the API key, or the person that an admin key acted for.\",\"type\":\"string\"},{\"name\":\"at\",\"doc\":\"When it was accepted, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"outcome\",\"doc\":\"What the person chose, of completeTask and voteTask; null where there is nothing to choose.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"comment\",\"doc\":\"What the person said, of completeTask, voteTask, delegateTask and commentTask.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"delegateTo\",\"doc\":\"Who has the task now, of delegateTask.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"passedOnBy\",\"doc\":\"The instance that passes a retry on to its child; null where nobody does.\",\"type\":[\"null\",\"string\"],\"default\":null}]}",
  DeadLetter: "{\"type\":\"record\",\"name\":\"DeadLetter\",\"namespace\":\"millrace.deadletter\",\"doc\":\"A message that can never be processed, kept with the reason, whole where it fits.\",\"fields\":[{\"name\":\"code\",\"doc\":\"Error code, e.g. MR_NOT_FRAMED; see docs/errors.md.\",\"type\":\"string\"},{\"name\":\"reason\",\"doc\":\"The reason, for people. It quotes nothing of the message.\",\"type\":\"string\"},{\"name\":\"topic\",\"doc\":\"Where the original stands.\",\"type\":\"string\"},{\"name\":\"partition\",\"doc\":\"Where the original stands.\",\"type\":\"int\"},{\"name\":\"offset\",\"doc\":\"Where the original stands.\",\"type\":\"long\"},{\"name\":\"key\",\"doc\":\"The original's key; only its beginning where `omitted` names it.\",\"type\":[\"null\",\"bytes\"],\"default\":null},{\"name\":\"value\",\"doc\":\"The original's bytes, unchanged; null for a tombstone, and where `omitted` names it.\",\"type\":[\"null\",\"bytes\"],\"default\":null},{\"name\":\"headers\",\"doc\":\"The original's headers in their order; only the first ones where `omitted` names them.\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"OriginalHeader\",\"namespace\":\"millrace.deadletter\",\"doc\":\"One header of the original; a key may come several times.\",\"fields\":[{\"name\":\"key\",\"doc\":\"The header's name.\",\"type\":\"string\"},{\"name\":\"value\",\"doc\":\"The header's bytes.\",\"type\":\"bytes\"}]}}},{\"name\":\"at\",\"doc\":\"When the dead letter was written, by the clock of the process that wrote it.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"instanceId\",\"doc\":\"The instance that the message was for; null when it could not be determined.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"omitted\",\"doc\":\"What this letter does not hold of the original, because it is too large, e.g. value, or key, value; null when it is whole.\",\"type\":[\"null\",\"string\"],\"default\":null}]}",
  DefinitionVersion: "{\"type\":\"record\",\"name\":\"DefinitionVersion\",\"namespace\":\"millrace.definition\",\"doc\":\"One version of a definition, for workers that go on by themselves. Key: the id, @ and the version. Any number of times, always the same.\",\"fields\":[{\"name\":\"definitionId\",\"doc\":\"The definition.\",\"type\":\"string\"},{\"name\":\"version\",\"doc\":\"Its version, which never changes.\",\"type\":\"int\"},{\"name\":\"document\",\"doc\":\"The document as it was deployed.\",\"type\":{\"type\":\"string\",\"logicalType\":\"json\"}}]}",
  EventMatched: "{\"type\":\"record\",\"name\":\"EventMatched\",\"namespace\":\"millrace.notification\",\"doc\":\"An external event matches a subscription of this instance.\",\"fields\":[{\"name\":\"instanceId\",\"doc\":\"The instance it belongs to: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"taskId\",\"doc\":\"The event task that waits. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":\"string\"},{\"name\":\"attempt\",\"doc\":\"The attempt of the event task whose subscription matched.\",\"type\":\"int\"},{\"name\":\"wait\",\"doc\":\"Which of the node's waits matched, counted from 0.\",\"type\":\"int\"},{\"name\":\"eventRowId\",\"doc\":\"Id of the event's row in the event buffer, a decimal number: an event that the instance refuses is put back there.\",\"type\":\"string\"},{\"name\":\"eventId\",\"doc\":\"The event's id, unique with its source.\",\"type\":\"string\"},{\"name\":\"eventType\",\"doc\":\"The event's type.\",\"type\":\"string\"},{\"name\":\"eventSource\",\"doc\":\"The system that sent the event.\",\"type\":\"string\"},{\"name\":\"eventKey\",\"doc\":\"The event's correlation key.\",\"type\":\"string\"},{\"name\":\"eventTime\",\"doc\":\"When the event happened, by the clock of its sender; null when the sender gave no time.\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}],\"default\":null},{\"name\":\"data\",\"doc\":\"The event's data, as JSON.\",\"type\":{\"type\":\"string\",\"logicalType\":\"json\"}},{\"name\":\"whereError\",\"doc\":\"Set when the subscription's `where` failed on this event: the node comes under an incident.\",\"type\":[\"null\",\"string\"],\"default\":null}]}",
  ExternalEvent: "{\"type\":\"record\",\"name\":\"ExternalEvent\",\"namespace\":\"millrace.event\",\"doc\":\"An event from another system, or one that a publish node sends.\",\"fields\":[{\"name\":\"id\",\"doc\":\"Unique with the source: a repeat within 24 h is dropped.\",\"type\":\"string\"},{\"name\":\"type\",\"doc\":\"Type of the event, e.g. payment.confirmed. Event nodes of definitions name it.\",\"type\":\"string\"},{\"name\":\"source\",\"doc\":\"The system that sends the event.\",\"type\":\"string\"},{\"name\":\"key\",\"doc\":\"Correlation key: the event goes to the instances that wait for its type and this key. Also the record's key. At most 500 characters.\",\"type\":\"string\"},{\"name\":\"time\",\"doc\":\"When the event happened, by the clock of its sender; null when the sender gave no time.\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}],\"default\":null},{\"name\":\"data\",\"doc\":\"The event's data, as JSON.\",\"type\":{\"type\":\"string\",\"logicalType\":\"json\"}}]}",
  InstanceChanged: "{\"type\":\"record\",\"name\":\"InstanceChanged\",\"namespace\":\"millrace.lifecycle\",\"doc\":\"A change of an instance, for whoever follows it. At most one record per instance and transaction.\",\"fields\":[{\"name\":\"instanceId\",\"doc\":\"The instance it belongs to: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"definitionId\",\"doc\":\"The workflow definition of the instance.\",\"type\":\"string\"},{\"name\":\"definitionVersion\",\"doc\":\"The version of the definition that the instance runs, counted from 1.\",\"type\":\"int\"},{\"name\":\"businessKey\",\"doc\":\"The key that the start gave, if any.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"change\",\"doc\":\"started, migrated, ended, incident, paused, resumed, reminder, escalation or task.\",\"type\":\"string\"},{\"name\":\"status\",\"doc\":\"The instance's status afterwards: running, paused, incident, completed, failed or cancelled.\",\"type\":\"string\"},{\"name\":\"taskId\",\"doc\":\"The task that it is about, if any. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"seq\",\"doc\":\"Number of the history entry of the change: live streams read the history up to it.\",\"type\":\"int\"},{\"name\":\"at\",\"doc\":\"When, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}",
  QueueState: "{\"type\":\"record\",\"name\":\"QueueState\",\"namespace\":\"millrace.queue\",\"doc\":\"Whether a queue is paused, for its workers. Key: the queue. The last record of a queue counts; a queue without one is not paused.\",\"fields\":[{\"name\":\"queue\",\"doc\":\"The queue; http for the tasks of http nodes.\",\"type\":\"string\"},{\"name\":\"paused\",\"doc\":\"Whether its workers begin no task.\",\"type\":\"boolean\"},{\"name\":\"by\",\"doc\":\"Who paused or resumed it: the subject of an API key.\",\"type\":\"string\"},{\"name\":\"at\",\"doc\":\"When, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"reason\",\"doc\":\"Why it was paused; null: nobody said.\",\"type\":[\"null\",\"string\"],\"default\":null}]}",
  TaskOutcome: "{\"type\":\"record\",\"name\":\"TaskOutcome\",\"namespace\":\"millrace.notification\",\"doc\":\"How an attempt of a task ended, reported by the worker that ran it.\",\"fields\":[{\"name\":\"taskId\",\"doc\":\"<instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":\"string\"},{\"name\":\"instanceId\",\"doc\":\"The instance it belongs to: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"attempt\",\"doc\":\"The attempt of the TaskScheduled record.\",\"type\":\"int\"},{\"name\":\"basis\",\"doc\":\"The basis of the TaskScheduled record, unchanged.\",\"type\":\"string\"},{\"name\":\"status\",\"doc\":\"completed, failed, timedOut or returned. returned: the worker has no handler for the task; the task is sent again, and no retry is counted.\",\"type\":\"string\"},{\"name\":\"output\",\"doc\":\"The output of the handler, as JSON; null unless completed.\",\"type\":[\"null\",{\"type\":\"string\",\"logicalType\":\"json\"}],\"default\":null},{\"name\":\"errorCode\",\"doc\":\"HTTP_<status>, NETWORK, TIMEOUT, INPUT_INVALID, OUTPUT_INVALID or the handler's own; null when completed or returned.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"errorMessage\",\"doc\":\"The error message, for people; null when completed or returned.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"retryable\",\"doc\":\"false: no further attempt is made, even if retries are left. null means true.\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"retryAfterMs\",\"doc\":\"Shortest wait before the next attempt, in ms, as the called service asked for (Retry-After); null when it did not.\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"errorDetails\",\"doc\":\"What the called service said, as JSON of at most 4 KiB, for people and expressions; longer ones are left out. null: nothing.\",\"type\":[\"null\",{\"type\":\"string\",\"logicalType\":\"json\"}],\"default\":null},{\"name\":\"worker\",\"doc\":\"The process that ran the attempt, for people.\",\"type\":\"string\"},{\"name\":\"startedAt\",\"doc\":\"When the attempt began, by the worker's clock; only for display.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"finishedAt\",\"doc\":\"When the attempt ended, by the worker's clock; only for display.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"continuing\",\"doc\":\"The next task, which the worker runs without a record of it; null: there is none.\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Continuing\",\"namespace\":\"millrace.notification\",\"doc\":\"An attempt that a worker goes on with by itself.\",\"fields\":[{\"name\":\"taskId\",\"doc\":\"The task.\",\"type\":\"string\"},{\"name\":\"attempt\",\"doc\":\"Its attempt.\",\"type\":\"int\"},{\"name\":\"basis\",\"doc\":\"The basis that the worker has decided for it.\",\"type\":\"string\"}]}],\"default\":null},{\"name\":\"outputReference\",\"doc\":\"Where the output is too large for a record: what it is, and the worker has given it to the API before, by task, attempt and basis; output is empty then. null: the output stands in the record.\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"OutputReference\",\"namespace\":\"millrace.notification\",\"doc\":\"An output that the instance database holds until the outcome is applied.\",\"fields\":[{\"name\":\"bytes\",\"doc\":\"Length of the JSON in UTF-8 bytes.\",\"type\":\"int\"},{\"name\":\"sha256\",\"doc\":\"SHA-256 of these bytes, 64 hexadecimal digits in lower case.\",\"type\":\"string\"}]}],\"default\":null}]}",
  TaskScheduled: "{\"type\":\"record\",\"name\":\"TaskScheduled\",\"namespace\":\"millrace.task\",\"doc\":\"One attempt of a task for a worker of its queue. The idempotency key of the work is (taskId, basis), the same for every attempt.\",\"fields\":[{\"name\":\"taskId\",\"doc\":\"<instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":\"string\"},{\"name\":\"instanceId\",\"doc\":\"The instance it belongs to: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"nodeId\",\"doc\":\"The node of the definition; inside a loop it reads loop/node.\",\"type\":\"string\"},{\"name\":\"definitionId\",\"doc\":\"The workflow definition of the instance.\",\"type\":\"string\"},{\"name\":\"definitionVersion\",\"doc\":\"The version of the definition that the instance runs, counted from 1.\",\"type\":\"int\"},{\"name\":\"type\",\"doc\":\"Kind of work: http or task. A worker reports a kind that it does not know as returned.\",\"type\":\"string\"},{\"name\":\"task\",\"doc\":\"The handler's name; null for http.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"queue\",\"doc\":\"The queue whose topic carries the record; null for http, whose topic has no queue name.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"attempt\",\"doc\":\"Counted from 1; an instance never uses a number of a task twice.\",\"type\":\"int\"},{\"name\":\"basis\",\"doc\":\"Hash of what the task was decided from; comes back with the outcome, which is applied only if task, attempt and basis are those of the open task.\",\"type\":\"string\"},{\"name\":\"input\",\"doc\":\"The input of the handler, or the request of an http node, as JSON.\",\"type\":{\"type\":\"string\",\"logicalType\":\"json\"}},{\"name\":\"timeoutMs\",\"doc\":\"How long one attempt may take, in ms, counted by the worker from the start of the attempt.\",\"type\":\"long\"},{\"name\":\"dispatchedAt\",\"doc\":\"When the attempt was sent, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},{\"name\":\"secrets\",\"doc\":\"Places in the input where the worker puts secrets of its own, in their order; null when there are none. The text of a reference at any other place is data.\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"SecretUse\",\"namespace\":\"millrace.task\",\"doc\":\"One reference to a secret.\",\"fields\":[{\"name\":\"pointer\",\"doc\":\"JSON pointer to the string in the input.\",\"type\":\"string\"},{\"name\":\"offset\",\"doc\":\"Where ${ secrets.NAME } begins in the string, in UTF-16 units.\",\"type\":\"int\"},{\"name\":\"name\",\"doc\":\"The secret's name.\",\"type\":\"string\"},{\"name\":\"encoding\",\"doc\":\"How the value is written: none, component (of a url) or base (what a longer url begins with).\",\"type\":\"string\"}]}}],\"default\":null},{\"name\":\"continuation\",\"doc\":\"What a worker needs to go on by itself after this task; null: it does not.\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Continuation\",\"namespace\":\"millrace.task\",\"doc\":\"The state of an instance as its open task was decided, for a worker that goes on by itself.\",\"fields\":[{\"name\":\"engine\",\"doc\":\"Number of what the engine decides: one with another number does not go on.\",\"type\":\"int\"},{\"name\":\"state\",\"doc\":\"The state after the step that opened the task, as JSON.\",\"type\":{\"type\":\"string\",\"logicalType\":\"json\"}}]}],\"default\":null},{\"name\":\"inputReference\",\"doc\":\"Where the input is too large for a record: what it is, and the worker gets it from the API by task and attempt; input is empty then. null: the input stands in the record.\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"InputReference\",\"namespace\":\"millrace.task\",\"doc\":\"An input that the instance database holds.\",\"fields\":[{\"name\":\"bytes\",\"doc\":\"Length of the JSON in UTF-8 bytes.\",\"type\":\"int\"},{\"name\":\"sha256\",\"doc\":\"SHA-256 of these bytes, 64 hexadecimal digits in lower case.\",\"type\":\"string\"}]}],\"default\":null}]}",
  TimerFired: "{\"type\":\"record\",\"name\":\"TimerFired\",\"namespace\":\"millrace.notification\",\"doc\":\"A timer of an instance came due.\",\"fields\":[{\"name\":\"instanceId\",\"doc\":\"The instance it belongs to: UUIDv7 in lower case, and the record's key.\",\"type\":\"string\"},{\"name\":\"timerId\",\"doc\":\"Id of the timer within its instance. A timer that the instance no longer has is ignored.\",\"type\":\"string\"},{\"name\":\"kind\",\"doc\":\"retry, wait, timeout, queueTimeout, reminder, escalation or instanceTimeout.\",\"type\":\"string\"},{\"name\":\"taskId\",\"doc\":\"The task that the timer belongs to; null for the instance's own. <instanceId>.<path>; the path is node ids and round or item numbers joined by dots.\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"attempt\",\"doc\":\"The attempt that the timer was armed for; 0 for the instance's own.\",\"type\":\"int\"},{\"name\":\"dueAt\",\"doc\":\"When it was due, by the clock of the instance database.\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}",
} as const satisfies Record<RecordName, string>;
