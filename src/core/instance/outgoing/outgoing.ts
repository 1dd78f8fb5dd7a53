/** Derives effects from events. They are carried out in the transaction that stores the events. */
import type { Lifecycle } from '../../definition/types.ts';
import type { InstanceId, TaskPath } from '../../ids.ts';
import { taskIdOf } from '../../ids.ts';
import { endsPart, type InParts } from '../../parts.ts';
import { own } from '../../record.ts';
import { resultToTell } from '../children/parent.ts';
import type { InstanceEvent } from '../history/events.ts';
import { awaitedIn, openScopes, scopePathOf } from '../state/scopes.ts';
import { type InstanceState, statusOf, type TaskState, type Timer } from '../state/state.ts';
import type { HistoryEntry } from '../step.ts';
import { addChildEffects, isOfBooks, retriedChildren } from './child-effects.ts';
import type { Effect } from './effects.ts';

/**
 * Effects of a whole step: those of its events, less what the step itself took back, with at most one lifecycle record.
 * @param before null at the start of an instance.
 */
export function* outgoing(
  before: InstanceState | null,
  after: InstanceState,
  history: readonly HistoryEntry[],
  lifecycle: Lifecycle,
): InParts<Effect[]> {
  const effects: Effect[] = [];
  const dispatched = new Set<string>();
  let looked = 0;
  for (const { event } of history) {
    if (endsPart(looked++)) yield;
    for (const effect of effectsOf(event, after)) {
      if (!isStillMeant(effect, after)) continue;
      if (effect.type === 'dispatchTask') {
        const sent = `${effect.path}#${effect.attempt}`;
        if (dispatched.has(sent)) continue;
        dispatched.add(sent);
      }
      effects.push(effect);
    }
  }
  const scopes = before?.scopes ?? {};
  for (const path of changedTimers(scopes, after.scopes)) {
    if (endsPart(looked++)) yield;
    addTimersOf(effects, timersIn(scopes, path), timersIn(after.scopes, path));
  }
  if (history.some(isOfBooks)) yield* addChildEffects(effects, before, after, history);
  if (resultToTell(after) !== null && (before === null || resultToTell(before) === null)) effects.push({ type: 'tellParent' });
  const record = lifecycleOf(history, after, lifecycle);
  if (record !== null) effects.push(record);
  return effects;
}

const NOTHING: readonly Effect[] = [];

function effectsOf(event: InstanceEvent, state: InstanceState): readonly Effect[] {
  switch (event.type) {
    case 'TaskScheduled':
    case 'AttemptStarted':
    case 'TaskRedispatched':
      return [{ type: 'dispatchTask', path: event.path, attempt: event.attempt }];
    case 'EventPublished':
      return [published(event, state.instanceId)];
    case 'HumanTaskOpened':
      return [
        { type: 'openHumanTask', path: event.path, title: event.title, assignees: event.assignees, dueAt: event.dueAt, at: event.at },
      ];
    case 'HumanTaskVoted':
      return [{ type: 'countVote', path: event.path }];
    case 'HumanTaskDelegated':
    case 'HumanTaskEscalated':
      return [{ type: 'reassignHumanTask', path: event.path, assignees: event.assignees }];
    case 'EventAwaited':
      return event.waits.map((wait, index) => ({
        type: 'openSubscription',
        path: event.path,
        attempt: event.attempt,
        wait: index,
        count: event.count,
        ...wait,
      }));
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled':
      if (event.kind === 'human') return [{ type: 'closeHumanTask', path: event.path }];
      if (event.kind === 'event') return [{ type: 'closeSubscriptions', path: event.path }];
      return NOTHING;
    case 'RetryPassedOn':
      return retriedChildren(event, state);
    case 'InstanceMigrated':
      return shownAnew(state);
    // What they change is told from the books as the step leaves them.
    case 'ChildRequested':
    case 'ChildTold':
    case 'ChildEnded':
    case 'WorkflowOpened':
    case 'ParentWished':
    case 'InstanceStarted':
    case 'AttemptFailed':
    case 'AttemptReturned':
    case 'HumanTaskReminded':
    case 'HumanTaskCommented':
    case 'WaitStarted':
    // The wait stays open until it has all its events.
    case 'EventReceived':
    case 'NodeSkipped':
    case 'NodeExited':
    case 'ForEachOpened':
    case 'RepeatOpened':
    case 'LoopDelayed':
    case 'ScopeOpened':
    case 'ScopeEnded':
    case 'StepLimited':
    case 'StepContinued':
    case 'AwaitedTaskEnded':
    case 'CompensationPlanned':
    case 'CompensationStarted':
    case 'VarsChanged':
    case 'NodeCorrected':
    case 'NodeRerun':
    case 'InstanceEnding':
    case 'InstanceUndoing':
    case 'IncidentRaised':
    case 'IncidentResolved':
    case 'InstancePaused':
    case 'InstanceResumed':
    case 'InstanceCancelled':
    case 'CommandRefused':
    case 'InstanceCompleted':
    case 'InstanceFailed':
      return NOTHING;
  }
}

/** The inbox shows the form of the version that the instance runs on. */
function shownAnew(state: InstanceState): readonly Effect[] {
  const tasks = openScopes(state).flatMap((scope) => Object.values(scope.tasks));
  return tasks.flatMap((task) =>
    task.type === 'human' && task.status === 'open' ? [{ type: 'reassignHumanTask', path: task.path, assignees: task.assignees }] : [],
  );
}

function published(event: InstanceEvent & { type: 'EventPublished' }, instanceId: InstanceId): Effect {
  const { path, basis, key, data, topic, at } = event;
  return {
    type: 'publishEvent',
    // The id is the same however often the publishing is repeated.
    id: `${taskIdOf(instanceId, path)}:${basis}`,
    taskId: taskIdOf(instanceId, path),
    event: event.event,
    key,
    data,
    topic,
    at,
  };
}

/** A task that was opened and closed in one step is never sent, and never gets an inbox row or a subscription. */
function isStillMeant(effect: Effect, after: InstanceState): boolean {
  switch (effect.type) {
    case 'dispatchTask':
      return isWithWorker(after, effect.path, effect.attempt);
    case 'openSubscription': {
      // A subscription of an attempt that ended within the step would never be closed.
      const task = taskIn(after, effect.path);
      return task?.status === 'open' && task.attempt === effect.attempt;
    }
    case 'openHumanTask':
    case 'reassignHumanTask':
    case 'countVote':
      return taskIn(after, effect.path)?.status === 'open';
    default:
      return true;
  }
}

/** The task of a cancelled node stays with its worker if its work would be undone. */
function isWithWorker(after: InstanceState, path: TaskPath, attempt: number): boolean {
  const task = taskIn(after, path);
  if (task?.status === 'scheduled' && task.attempt === attempt) return true;
  return awaitedIn(after, own(after.scopes, scopePathOf(path)), path, attempt) !== undefined;
}

/** The task as the step leaves it; undefined when its scope is over. */
function taskIn({ scopes }: InstanceState, path: TaskPath): TaskState | undefined {
  const scope = own(scopes, scopePathOf(path));
  return scope?.status === 'open' ? own(scope.tasks, path) : undefined;
}

type Timers = { readonly [timerId: string]: Timer };
const NO_TIMERS: Timers = {};

/** By path, since scopes stand in the order in which they were loaded. */
function changedTimers(before: InstanceState['scopes'], after: InstanceState['scopes']): readonly string[] {
  if (before === after) return [];
  const changed: string[] = [];
  for (const path in after) if (timersIn(before, path) !== timersIn(after, path)) changed.push(path);
  for (const path in before) if (!Object.hasOwn(after, path) && timersIn(before, path) !== NO_TIMERS) changed.push(path);
  return changed.sort();
}

function timersIn(scopes: InstanceState['scopes'], path: string): Timers {
  const scope = own(scopes, path as keyof InstanceState['scopes']);
  return scope?.status === 'open' ? scope.timers : NO_TIMERS;
}

function addTimersOf(effects: Effect[], before: Timers, after: Timers): void {
  for (const [timerId, timer] of Object.entries(after)) {
    if (timer.state !== 'armed' || own(before, timerId) === timer) continue;
    effects.push({ type: 'armTimer', timerId, kind: timer.kind, path: timer.path, attempt: timer.attempt, dueAt: timer.dueAt });
  }
  for (const [timerId, timer] of Object.entries(before)) {
    if (timer.state === 'armed' && own(after, timerId)?.state !== 'armed') effects.push({ type: 'disarmTimer', timerId });
  }
}

type LifecycleChange = (Effect & { type: 'lifecycle' })['change'];

/** One record an instance and step: the change that matters most. */
const importance = [
  'task',
  'started',
  'reminder',
  'escalation',
  'migrated',
  'resumed',
  'paused',
  'ending',
  'undoing',
  'incident',
  'ended',
] as const satisfies readonly LifecycleChange[];

function lifecycleOf(history: readonly HistoryEntry[], after: InstanceState, lifecycle: Lifecycle): Effect | null {
  let most = -1;
  let path: TaskPath | null = null;
  for (const { event } of history) {
    const change = changeOf(event, lifecycle);
    const rank = change === null ? -1 : importance.indexOf(change);
    if (rank <= most) continue;
    most = rank;
    path = 'path' in event ? event.path : null;
  }
  const change = importance[most];
  if (change === undefined) return null;
  return { type: 'lifecycle', change, status: statusOf(after), path, seq: after.seq, at: after.updatedAt };
}

function changeOf(event: InstanceEvent, lifecycle: Lifecycle): LifecycleChange | null {
  switch (event.type) {
    case 'InstanceStarted':
      return lifecycle === 'instance' ? null : 'started';
    case 'InstanceCompleted':
    case 'InstanceFailed':
    case 'InstanceCancelled':
      return 'ended';
    case 'IncidentRaised':
      return 'incident';
    case 'InstanceMigrated':
      return 'migrated';
    case 'InstancePaused':
      return 'paused';
    case 'InstanceResumed':
      return 'resumed';
    case 'ParentWished':
      return event.wish === 'pause' ? 'paused' : 'resumed';
    case 'HumanTaskReminded':
      return 'reminder';
    case 'HumanTaskEscalated':
      return 'escalation';
    case 'InstanceEnding':
      return 'ending';
    case 'InstanceUndoing':
      return 'undoing';
    case 'CommandRefused':
    case 'ChildTold':
    case 'RetryPassedOn':
      return null;
    default:
      return lifecycle === 'tasks' ? 'task' : null;
  }
}
