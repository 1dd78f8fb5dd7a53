/** Everything that REST takes and gives, as TypeBox schemas and their types: the client imports the types. */
export type { DeadLetter, DeadLetterClosed } from './dead-letters.ts';
export type { DefinitionDetail, DefinitionSummary, DefinitionVersion, Deployed, Validation } from './definitions.ts';
export type { EventAccepted, EventBody } from './events.ts';
export type {
  CommandAnswer,
  HistoryEntry,
  Instance,
  InstanceSummary,
  OpenWork,
  StartBody,
  StartedInstance,
  WaitingFor,
} from './instances.ts';
export type { Problem, ProblemFault } from './problem.ts';
export type { InboxTask, Task, TaskDetail } from './tasks.ts';
