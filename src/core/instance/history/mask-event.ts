/**
 * A history entry as it is shown to whoever may not see what its definition marks as sensitive. What the definition says nothing of (what
 * workers say of errors, what was frozen for a wait or a compensation) is masked as a whole, since it may quote a marked value.
 */
import { assertNever } from '../../assert.ts';
import { holdsSensitive, type Marks, masked } from '../../definition/typed/marks.ts';
import { MASK } from '../../definition/typed/marks-in-schemas.ts';
import type { NodeId } from '../../ids.ts';
import type { Json } from '../../json.ts';
import { nodeIdOfPath } from '../state/scopes.ts';
import type { TaskError } from '../state/state.ts';
import type { InstanceEvent } from './events.ts';

/** Of an event whose payload was left out (it is too large for one answer), null stays null. */
export function maskEvent(marks: Marks, event: InstanceEvent): InstanceEvent {
  switch (event.type) {
    case 'InstanceStarted':
      return { ...event, input: masked(marks.input, event.input), vars: maskVars(marks, event.vars) };
    case 'TaskScheduled':
      return { ...event, payload: { ...event.payload, input: masked(marks.nodeInput(event.nodeId), event.payload.input) } };
    case 'AttemptFailed':
    case 'TaskFailed':
    case 'InstanceFailed':
      return { ...event, error: maskError(event.error) };
    case 'AwaitedTaskEnded':
      return {
        ...event,
        output: masked(marks.nodeOutput(event.nodeId), event.output),
        error: event.error === null ? null : maskError(event.error),
      };
    case 'HumanTaskOpened':
      return { ...event, title: maskTitle(marks, event.nodeId, event.title) };
    case 'HumanTaskVoted':
      return { ...event, output: maskAnswer(marks, nodeIdOfPath(event.path), event.output) };
    case 'EventReceived': {
      // As one of several that the node gives, or as its only one.
      const given = marks.nodeOutput(nodeIdOfPath(event.path));
      return { ...event, event: masked(given.kind === 'list' ? given.items : given, event.event) };
    }
    case 'EventAwaited':
      return {
        ...event,
        waits: event.waits.map((wait) => ({
          ...wait,
          key: MASK,
          where:
            wait.where === null
              ? null
              : { ...wait.where, scope: Object.fromEntries(Object.keys(wait.where.scope).map((name) => [name, MASK])) },
        })),
      };
    case 'EventPublished':
      return {
        ...event,
        key: holdsSensitive(marks.field(event.nodeId, 'key')) ? MASK : event.key,
        data: masked(marks.field(event.nodeId, 'data', {}), event.data),
      };
    case 'WorkflowOpened':
      return { ...event, input: masked(marks.nodeInput(event.nodeId), event.input) };
    case 'TaskCompleted':
      return { ...event, output: masked(marks.nodeOutput(event.nodeId), event.output) };
    case 'CompensationPlanned':
      return { ...event, names: Object.fromEntries(Object.keys(event.names).map((name) => [name, MASK])) };
    case 'NodeExited':
      return event.set === null ? event : { ...event, set: maskVars(marks, event.set) };
    case 'ForEachOpened': {
      const items = masked(marks.items(event.nodeId), event.items as Json);
      return { ...event, items: Array.isArray(items) ? (items as readonly Json[]) : event.items.map(() => MASK) };
    }
    case 'ScopeEnded':
      return {
        ...event,
        output: masked(marks.roundOutput(nodeIdOfPath(event.scope)), event.output),
        error: event.error === null ? null : maskError(event.error),
      };
    case 'IncidentRaised':
      return { ...event, incident: { ...event.incident, error: maskError(event.incident.error) } };
    case 'VarsChanged':
    case 'InstanceMigrated':
      return { ...event, vars: maskVars(marks, event.vars) };
    case 'InstanceEnding':
      return { ...event, goal: event.goal.status === 'failed' ? { ...event.goal, error: maskError(event.goal.error) } : event.goal };
    case 'InstanceCompleted':
      return { ...event, output: masked(marks.output, event.output) };
    case 'AttemptReturned':
    case 'AttemptStarted':
    case 'TaskRedispatched':
    case 'HumanTaskReminded':
    case 'HumanTaskEscalated':
    case 'HumanTaskDelegated':
    case 'HumanTaskCommented':
    case 'WaitStarted':
    case 'ChildRequested':
    case 'ChildTold':
    case 'ChildEnded':
    case 'TaskCancelled':
    case 'CompensationStarted':
    case 'NodeSkipped':
    case 'RepeatOpened':
    case 'LoopDelayed':
    case 'ScopeOpened':
    case 'StepLimited':
    case 'StepContinued':
    case 'IncidentResolved':
    case 'InstancePaused':
    case 'InstanceResumed':
    case 'InstanceCancelled':
    case 'ParentWished':
    case 'RetryPassedOn':
    case 'NodeCorrected':
    case 'NodeRerun':
    case 'CommandRefused':
    case 'InstanceUndoing':
      return event;
    default:
      return assertNever(event);
  }
}

/** Code and place stay; what a worker or a server said may quote any value. */
export function maskError(error: TaskError): TaskError {
  return { ...error, message: MASK, ...(error.details === undefined || error.details === null ? {} : { details: MASK }) };
}

export function maskTitle(marks: Marks, nodeId: NodeId, title: string): string {
  return holdsSensitive(marks.field(nodeId, 'title')) ? MASK : title;
}

/** What one person gave, of several. */
export function maskAnswer(marks: Marks, nodeId: NodeId, output: Json): Json {
  return holdsSensitive(marks.nodeOutput(nodeId)) ? MASK : output;
}

function maskVars(marks: Marks, vars: { readonly [name: string]: Json }): { readonly [name: string]: Json } {
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, marks.isMarkedVariable(name) ? MASK : value]));
}
