/** What must hold after each step of any instance, and over its whole history. */
import type { Definition } from '../../definition/types.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import { areBooksEmpty } from '../children/books.ts';
import { statusOf } from '../index.ts';
import { awaitedWork, compensationPathOf, loopPathOf, scopePathOf, taskAt, tasksOf, timersOf } from '../state/scopes.ts';
import { hasEnded, type InstanceState, isOpen, type TaskState, type TimerKind } from '../state/state.ts';
import type { HistoryEntry, StepResult } from '../step.ts';
import { holds } from './assertions.ts';
import type { Outside } from './outside.ts';

export function checkStep(
  definition: Definition,
  outside: Outside,
  { state, effects, history }: StepResult,
  before: InstanceState | null,
): void {
  holds(effects.filter(({ type }) => type === 'lifecycle').length <= 1, 'one lifecycle record a step');
  holds(before === null || state.seq === before.seq + history.length, 'history has no gaps');
  holds(!hasEnded(state) || !tasksOf(state).some(isOpen), 'open nodes end with their instance');
  holds(state.phase !== 'ending' || !tasksOf(state).some(isOpen), 'nothing but work of workers is awaited in an ending instance');
  if (state.phase === 'completed') checkDecided(definition, state);
  holds(state.paused === null || outside.timers.size === 0, 'no timer runs during a pause');
  outside.checkTables(state);
  checkProgress(state, outside);
  // What is open was opened under another version, with another budget and another window.
  if (state.isMigrated !== true) checkBudgets(definition, state);
  checkLoops(definition, state);
}

/** A completed instance has run, skipped or cancelled every node, and has evaluated all their edges. */
function checkDecided(definition: Definition, state: InstanceState): void {
  for (const id of definition.root.nodes.keys()) {
    const task = taskAt(state, id as string as TaskPath);
    holds(task !== undefined && !isOpen(task) && task.takenEdges !== null, `${id} is decided when its instance completes`);
  }
}

/** A running instance always has something that will move it. */
function checkProgress(state: InstanceState, outside: Outside): void {
  const open = tasksOf(state).filter(isOpen);
  holds(statusOf(state) !== 'running' || open.length > 0 || isLimited(state), 'nothing stays running with nothing open');
  holds(
    statusOf(state) !== 'undoing' || open.length === 1 || !areBooksEmpty(state) || isLimited(state),
    'an undoing instance waits for the compensation that is open, or for the child of one that was',
  );
  const isAnythingOut = awaitedWork(state).length > 0 || !areBooksEmpty(state);
  holds(statusOf(state) !== 'ending' || isAnythingOut || isLimited(state), 'an ending instance waits for workers and children');
  holds(state.undo === undefined || awaitedWork(state).length === state.undo.awaited, 'what is awaited is counted');
  for (const work of awaitedWork(state)) holds(outside.wasSent(work), `a worker has ${work.path}`);
  for (const task of open) holds(willMove(task, state, outside), `something moves ${task.path}`);
}

function willMove(task: TaskState, state: InstanceState, outside: Outside): boolean {
  const hasTimer = (kind: TimerKind) => own(timersOf(state), `${task.path}#${kind}`) !== undefined;
  if (task.status === 'scheduled') return outside.wasSent(task);
  if (task.status === 'retrying') return hasTimer('retry');
  if (task.type === 'forEach' || task.type === 'repeat')
    return hasTimer('loop') || isLimited(state) || state.paused !== null || hasScopes(state, task.path);
  if (task.type === 'workflow') return outside.children.has(task.path) || isLimited(state) || state.paused !== null;
  return task.type !== 'wait' || hasTimer('wait');
}

/** A forEach keeps to its concurrency, whatever was stored and loaded meanwhile; a repeat keeps no more than it needs. */
function checkLoops(definition: Definition, state: InstanceState): void {
  const scopes = Object.values(state.scopes);
  for (const task of tasksOf(state)) {
    if (task.status !== 'open' || (task.type !== 'forEach' && task.type !== 'repeat')) continue;
    const own = scopes.filter(({ path }) => path.startsWith(`${task.path}.`) && loopPathOf(path) === task.path);
    const open = own.filter(({ status }) => status === 'open').length;
    const node = definition.nodes.get(task.nodeId);
    if (task.type === 'forEach') {
      holds(open === task.running, `${task.path} knows how many of its items are open`);
      holds(
        node?.type !== 'forEach' || open <= (node.concurrency ?? open) || state.isMigrated === true,
        `${task.path} keeps to its concurrency`,
      );
    } else {
      // Entries to be undone are kept too.
      const ended = own.filter(({ status }) => status !== 'open' && status !== 'kept').length;
      holds(ended <= 1, `${task.path} keeps its last round alone`);
    }
  }
}

/** The last step has left something, and a timer goes on with it. */
function isLimited(state: InstanceState): boolean {
  return own(timersOf(state), 'step') !== undefined;
}

function hasScopes(state: InstanceState, loop: TaskPath): boolean {
  return Object.values(state.scopes).some(({ path, status }) => (status === 'open' || status === 'child') && path.startsWith(`${loop}.`));
}

function checkBudgets(definition: Definition, state: InstanceState): void {
  for (const task of tasksOf(state)) {
    const node = definition.nodes.get(task.nodeId);
    if (node === undefined || !('retry' in node) || !('failures' in task)) continue;
    holds(task.failures < node.retry.maxAttempts, `${task.path} keeps its budget`);
  }
}

/** A join fires once: a node opens once in a run of its scope, and once more for each incident of it that was resolved. */
export function checkOpenings(history: readonly HistoryEntry[]): void {
  const openings = new Map<string, number>();
  const runs = new Map<ScopePath, number>();
  const add = (path: TaskPath, by: number) => {
    const run = `${path} in run ${runs.get(scopePathOf(path)) ?? 0}`;
    openings.set(run, (openings.get(run) ?? 0) + by);
  };
  for (const { event } of history) {
    if (event.type === 'CompensationStarted') add(compensationPathOf(event.path), -1);
    if (event.type === 'NodeRerun') for (const path of [event.path, ...event.reset]) add(path, -1);
    if (event.type === 'ScopeOpened') runs.set(event.scope, (runs.get(event.scope) ?? 0) + 1);
    if (event.type === 'TaskScheduled' || event.type === 'HumanTaskOpened' || event.type === 'WaitStarted' || event.type === 'EventAwaited')
      add(event.path, 1);
    else if (event.type === 'IncidentResolved' && event.path !== null) add(event.path, -1);
  }
  for (const [path, count] of openings) holds(count <= 1, `${path} opens once`);
}
