/**
 * The bodies of the REST API, as TypeBox schemas and their types: the server checks and documents with the schemas, the
 * client and the command line use the types. Relies on the core only.
 */
export type { DeadLetter, DeadLetterClosed } from './dead-letters.ts';
export type { DefinitionDetail, DefinitionSummary, DefinitionVersion, Deployed, Validation } from './definitions.ts';
export type { EventAccepted, EventBody } from './events.ts';
export type { FieldError } from './field-errors.ts';
export type {
  CommandAnswer,
  HistoryEntry,
  Instance,
  InstanceSummary,
  MigrationAnswer,
  OpenWork,
  QueuePause,
  StartBody,
  StartedInstance,
  WaitingFor,
} from './instances.ts';
export type { Job, JobBody, JobPreview, JobResult, VerdictsBody } from './jobs.ts';
export type { Problem } from './problem.ts';
export type { Queue, QueueList } from './queues.ts';
export type { InboxTask, NextTask, Task, TaskDetail } from './tasks.ts';
export type { DefinitionTriggers, FireBody, ScheduleEntry, Trigger } from './triggers.ts';
