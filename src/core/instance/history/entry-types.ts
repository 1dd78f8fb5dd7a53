/**
 * What each type of entry in a history says, in a sentence for people: docs/rest.md lists them, and scenario files may expect them.
 * A type that is missing here does not compile.
 */
import { own } from '../../record.ts';
import type { InstanceEvent } from './events.ts';

export type EntryType = InstanceEvent['type'];

export const entryTypes: { readonly [Type in EntryType]: string } = {
  InstanceStarted: 'The instance started, with its input and first variables.',
  TaskScheduled: 'A `task` or `http` node opened; its first attempt is sent to a worker.',
  AttemptFailed: 'An attempt failed or timed out, and another one follows at `retryAt`.',
  AttemptReturned: 'A worker without the handler gave the attempt back; it comes again at `retryAt`.',
  AttemptStarted: 'The next attempt is sent to a worker.',
  TaskRedispatched: 'The open attempt was sent to a worker once more.',
  HumanTaskOpened: 'A `human` node opened: its task is in the inbox.',
  HumanTaskReminded: 'A `reminder` came due.',
  HumanTaskEscalated: 'The task went to others, as `escalate` says.',
  HumanTaskVoted: 'A person voted on a task that several decide.',
  HumanTaskDelegated: 'A person handed the task to another one.',
  HumanTaskCommented: 'A person left a comment.',
  WaitStarted: 'A `wait` node opened; it ends at `until`.',
  EventAwaited: 'An `event` node opened, and waits.',
  EventReceived: 'One of the events that an `event` node counts came, or one on which `where` failed.',
  EventPublished: 'A `publish` node sent its event.',
  WorkflowOpened: 'A `workflow` node opened.',
  ChildRequested: 'Its child was asked for.',
  ChildTold: 'The child was told to pause, to go on or to cancel.',
  ChildEnded: 'The end of the child was heard.',
  TaskCompleted: 'A node completed, with its output.',
  TaskFailed: 'A node failed or, with the status `timedOut`, timed out, and no attempt follows.',
  TaskCancelled: 'A node that was open was cancelled: by `cancelRest`, the early end of a loop, a correction or the end of its instance.',
  AwaitedTaskEnded: 'What a worker or child still had when its node was cancelled has ended, so that it can be undone.',
  CompensationPlanned: 'A node with a compensation is about to end; the names that its compensation will see are kept.',
  CompensationStarted: 'A compensation begins.',
  NodeSkipped: 'No edge to the node was taken.',
  NodeExited: 'The edges of a node that ended were evaluated: `takenEdges` were taken, its others are dead.',
  ForEachOpened: 'A `forEach` opened, with its items.',
  RepeatOpened: 'A `repeat` opened.',
  LoopDelayed: 'A loop goes on at `until`.',
  ScopeOpened: 'An item or a round began.',
  ScopeEnded: 'An item or a round ended.',
  StepLimited: 'One step did as much work as it may; the rest follows by itself.',
  StepContinued: 'The rest follows.',
  IncidentRaised: 'A node, an item or the instance needs a person.',
  IncidentResolved: 'A person resolved an incident by `retry`.',
  InstancePaused: 'A person paused the instance.',
  InstanceResumed: 'A person resumed it.',
  InstanceCancelled: 'A person or its parent cancelled it.',
  ParentWished: 'Its parent paused it, or lets it go on.',
  RetryPassedOn: 'A `retry` was passed on to children.',
  VarsChanged: 'A person changed variables.',
  NodeCorrected: 'A person completed or skipped a node; its end follows.',
  InstanceMigrated: 'A person moved the instance to another version of its definition.',
  NodeRerun: 'A person ran a node again; what lies behind it was taken back.',
  CommandRefused: 'A command was refused, and changed nothing.',
  InstanceEnding: 'The instance will fail or be cancelled; what workers still have is awaited first.',
  InstanceUndoing: 'The compensations begin.',
  InstanceCompleted: 'The instance completed, with its output.',
  InstanceFailed: 'The instance failed.',
};

/** What went wrong, and nothing else: an item or a child that failed is told by the task that did, or by the node that waited for it. */
export const failureTypes = [
  'AttemptFailed',
  'AttemptReturned',
  'TaskFailed',
  'IncidentRaised',
  'CommandRefused',
  'InstanceFailed',
] as const satisfies readonly EntryType[];

export function isEntryType(name: string): name is EntryType {
  return own(entryTypes, name) !== undefined;
}
