/**
 * A state under construction. It copies a part when it first touches it, so that a step over a hundred events copies each
 * map once; whoever compares scopes or tasks by reference sees exactly what changed. `evolve.ts` alone uses it.
 */
import { invariant } from '../../assert.ts';
import type { CommandId, EpochMs, ScopePath, TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import { consumedIn, consumedOf } from './consumed.ts';
import { KEEPS, keptOf, leftBy, mayKeep, remainsOf } from './kept.ts';
import { armed, stopped } from './paused-timers.ts';
import {
  bookAt,
  bookPathOf,
  indexOf,
  itemPath,
  loopPathOf,
  rootPath,
  scopeAt,
  scopePathOf,
  scopesBelow,
  withDropped,
  withNewLoop,
  withoutLoop,
  withWholeLoop,
} from './scopes.ts';
import {
  type BookedChild,
  type ClosedTask,
  type EndedPhase,
  type EndedScope,
  type Incident,
  type InstanceState,
  isOpen,
  isPaused,
  type KeptScope,
  type OpenScope,
  type OpenTask,
  type StatePart,
  type TaskState,
  type Timer,
  type TimerKind,
  timerIdOf,
  type Undo,
  type UndoEntry,
} from './state.ts';
import { countOf, setEntries } from './undo.ts';

/**
 * How many commands are remembered, so that each counts once. A redispatch of every node sends fewer, so it never evicts commands
 * of people.
 */
const COMMANDS_KEPT = 1_024;

/** How many events of earlier rounds are remembered, so that each counts once. More than come again after a crash. */
const EVENTS_KEPT = 1_024;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type WritableScope = Omit<Writable<OpenScope>, 'tasks' | 'incidents' | 'timers'> & {
  tasks: Record<TaskPath, TaskState>;
  incidents: Record<string, Incident>;
  timers: Record<string, Timer>;
};
type Part = 'tasks' | 'incidents' | 'timers';
/** Which parts are copies, too. */
type CopiedScope = { readonly scope: WritableScope } & Record<Part, boolean>;

/** Timers that end with their task. */
const taskTimers = ['retry', 'wait', 'timeout', 'queueTimeout', 'reminder', 'escalation', 'loop'] as const satisfies readonly TimerKind[];

export class StateBuilder {
  #state: Writable<InstanceState>;
  #scopesCopied = false;
  /** Parts of scopes that belong to this builder alone. */
  readonly #copied = new Map<ScopePath, CopiedScope>();
  /** Loops of whose scopes this builder has dropped all that were not kept: they must not be loaded again. */
  readonly #droppedLoops = new Set<TaskPath>();

  constructor(state: InstanceState) {
    this.#state = { ...state };
  }

  /** The state so far. Later changes do not reach what was handed out. */
  get state(): InstanceState {
    this.#copied.clear();
    this.#scopesCopied = false;
    if (this.#state.partial?.dropped !== undefined) {
      const { dropped: _, ...partial } = this.#state.partial;
      this.#state.partial = partial;
    }
    return { ...this.#state };
  }

  /** The state so far, for reading before the next change only: nothing is copied. */
  get current(): InstanceState {
    return this.#state;
  }

  set(members: Partial<Omit<InstanceState, 'scopes' | 'instanceId'>>): void {
    Object.assign(this.#state, members);
  }

  /** @returns the number of the history entry of the next event. */
  advance(at: EpochMs): number {
    this.#state.updatedAt = at;
    return ++this.#state.seq;
  }

  task(path: TaskPath): TaskState {
    const task = this.find(path);
    invariant(task !== undefined, `there is a task at ${path}`);
    return task;
  }

  find(path: TaskPath): TaskState | undefined {
    const scope = scopeAt(this.#state, scopePathOf(path));
    return scope?.status === 'open' ? own(scope.tasks, path) : undefined;
  }

  /** An open task of that status, which the event says it has. */
  taskIn<Status extends OpenTask['status']>(path: TaskPath, status: Status): OpenTask & { readonly status: Status } {
    const task = this.task(path);
    invariant(task.status === status, `the task at ${path} is ${status}`);
    // The check above tells the member of the union, which the compiler cannot follow through the type parameter.
    return task as OpenTask & { readonly status: Status };
  }

  open(task: OpenTask): void {
    const before = this.find(task.path);
    invariant(before === undefined || !isOpen(before), `${task.path} is not open yet`);
    if (before === undefined && task.attempt === 1 && (task.type === 'forEach' || task.type === 'repeat'))
      this.set(withNewLoop(this.#state, task.path));
    this.put(task);
  }

  put(task: TaskState): void {
    const scope = this.#part(scopePathOf(task.path), 'tasks');
    const before = own(scope.tasks, task.path);
    scope.openCount += Number(isOpen(task)) - Number(before !== undefined && isOpen(before));
    scope.tasks[task.path] = task;
  }

  close(task: ClosedTask): void {
    this.put(task);
    this.resolveUnapplied(task.path);
    const { timers } = this.#open(scopePathOf(task.path));
    for (const _ in timers) {
      for (const kind of taskTimers) this.disarm(kind, task.path);
      return;
    }
  }

  /** The task is as if its node had not been reached. */
  takeBack(path: TaskPath): void {
    const task = this.task(path);
    invariant(!isOpen(task), `${path} has ended before it is taken back`);
    this.resolve(scopePathOf(path), path);
    this.countOn(task);
    const scope = this.#part(scopePathOf(path), 'tasks');
    delete scope.tasks[path];
    const { consumed } = consumedIn([task], scope.consumed);
    if (consumed !== undefined) scope.consumed = consumed;
  }

  /** The next attempt of the task counts on, whatever becomes of it meanwhile. */
  countOn({ path, attempt, ...task }: ClosedTask): void {
    const { scope } = this.#copy(scopePathOf(path));
    if (task.keepsScopes === true) scope.keepsScopes = true;
    if (this.#droppedLoops.has(path)) this.set(withWholeLoop(this.#state, path));
    scope.earlierAttempts = { ...scope.earlierAttempts, [path]: Math.max(attempt, own(scope.earlierAttempts ?? {}, path) ?? 0) };
  }

  raise(scope: ScopePath, key: string, incident: Incident): void {
    const { incidents } = this.#part(scope, 'incidents');
    invariant(own(incidents, key) === undefined, 'a node is under one incident at a time');
    incidents[key] = incident;
    this.#state.incidentCount++;
  }

  resolve(scope: ScopePath, key: string): void {
    if (own(this.#open(scope).incidents, key) === undefined) return;
    delete this.#part(scope, 'incidents').incidents[key];
    this.#state.incidentCount--;
  }

  /** An incident of the phase `message` is over once the task moves on because of something else. */
  resolveUnapplied(path: TaskPath): void {
    const scope = scopePathOf(path);
    if (own(this.#open(scope).incidents, path)?.phase === 'message') this.resolve(scope, path);
  }

  arm(kind: TimerKind, path: TaskPath | null, attempt: number, now: EpochMs, dueAt: EpochMs): void {
    const timer: Timer = { kind, path, attempt, state: 'armed', dueAt };
    const { timers } = this.#part(path === null ? rootPath : scopePathOf(path), 'timers');
    timers[timerIdOf(kind, path)] = isPaused(this.#state) ? stopped(timer, now) : timer;
  }

  timer(kind: TimerKind, path: TaskPath): Timer | undefined {
    return own(this.#open(scopePathOf(path)).timers, timerIdOf(kind, path));
  }

  disarm(kind: TimerKind, path: TaskPath | null): void {
    const scope = path === null ? rootPath : scopePathOf(path);
    const timerId = timerIdOf(kind, path);
    if (own(this.#open(scope).timers, timerId) !== undefined) delete this.#part(scope, 'timers').timers[timerId];
  }

  /** A pause stops all timers of these scopes with what is left of them. */
  stopTimers(scopes: readonly OpenScope[], now: EpochMs): void {
    this.#mapTimers(scopes, (timer) => (timer.state === 'armed' ? stopped(timer, now) : timer));
  }

  /** A resume starts them again with what was left; the due time that a task shows is set to that of its timer. */
  restartTimers(scopes: readonly OpenScope[], now: EpochMs): void {
    this.#mapTimers(scopes, (timer) => (timer.state === 'stopped' ? armed(timer, now) : timer));
    for (const { path } of scopes) for (const timer of Object.values(this.#open(path).timers)) this.#followTimer(timer);
  }

  openScope(scope: OpenScope): void {
    const before = scopeAt(this.#state, scope.path);
    invariant(before === undefined || before.status !== 'open', `the scope ${scope.path} is not open yet`);
    this.#scopes()[scope.path] = { ...scope, ...leftBy(before), ...consumedOf(before) };
  }

  /** It shrinks to what its loop still needs. */
  endScope(path: ScopePath, ended: Pick<EndedScope, 'status' | 'output' | 'outputSeq' | 'error'>): void {
    const scope = this.#open(path);
    const { loopId, tasks, incidents, firstAttempt, consumed, earlierAttempts = {} } = scope;
    invariant(loopId !== null, 'the scope of the instance ends with the instance');
    const all = Object.values(tasks);
    const attempts = [...all.map(({ attempt }) => attempt), ...Object.values(earlierAttempts)];
    const lastAttempt = attempts.reduce((last, attempt) => Math.max(last, attempt), firstAttempt);
    this.#state.incidentCount -= Object.keys(incidents).length;
    this.#copied.delete(path);
    const left = { ...leftBy(scope), ...(this.#state.undo !== undefined && all.some(mayKeep) ? KEEPS : {}) };
    this.#scopes()[path] = { path, loopId, lastAttempt, ...ended, ...consumedIn(all, consumed), ...left };
  }

  /** Only the events that its waits took, which the next round keeps, and entries to be undone are still needed. */
  dropRoundBefore(path: ScopePath): void {
    const round = indexOf(path);
    const before = round === 0 ? undefined : scopeAt(this.#state, itemPath(loopPathOf(path), round - 1));
    const kept = scopeAt(this.#state, path);
    if (before === undefined || !('outputSeq' in before) || kept === undefined || !('outputSeq' in kept)) return;
    if (before.undo === undefined && before.keepsScopes !== true) this.#drop([before.path]);
    else this.#scopes()[before.path] = remainsOf(before);
    if (before.consumed === undefined) return;
    this.#scopes()[path] = { ...kept, consumed: [...before.consumed.slice(-EVENTS_KEPT), ...(kept.consumed ?? [])] };
  }

  /** The loop has exited. Of its scopes only entries to be undone and the events that their waits took are still needed. */
  dropScopes(loop: ClosedTask): void {
    if (this.#droppedLoops.has(loop.path)) this.set(withWholeLoop(this.#state, loop.path));
    const dropped = scopesBelow(this.#state, loop.path);
    this.#droppedLoops.add(loop.path);
    const kept = new Map(keptOf(dropped).map((scope) => [scope.path, scope]));
    for (const { path } of dropped) this.#copied.delete(path);
    this.set(withoutLoop(this.#state, loop.path));
    this.#drop(dropped.flatMap(({ path }) => (kept.has(path) ? [] : [path])));
    for (const [path, scope] of kept) this.#scopes()[path] = scope;
    const consumed = dropped.flatMap((scope) => consumedOf(scope).consumed ?? []);
    if (consumed.length === 0 && kept.size === 0) return;
    const all = consumed.length === 0 ? {} : { consumed: [...(loop.consumed ?? []), ...consumed] };
    this.put({ ...loop, ...all, ...(kept.size === 0 ? {} : KEEPS) });
  }

  /** Entries of a scope, whatever its status, and how many there are of each kind in all scopes. */
  changeUndo(path: ScopePath, change: (entries: readonly UndoEntry[]) => readonly UndoEntry[]): void {
    const scope = scopeAt(this.#state, path);
    invariant(scope !== undefined, `there is a scope "${path}" for what is to be undone`);
    const before = scope.undo ?? [];
    const after = change(before);
    if (scope.status === 'open') setEntries(this.#copy(path).scope, after);
    else if (scope.status === 'kept' && after.length === 0 && scope.keepsScopes !== true) this.#drop([path]);
    else {
      const changed: Writable<EndedScope | KeptScope> = { ...scope };
      setEntries(changed, after);
      this.#scopes()[path] = changed;
    }
    const counted: Undo = { awaited: 0, done: 0, goal: null, current: null, ...this.#state.undo };
    const count = (status: UndoEntry['status']) => countOf(after, status) - countOf(before, status);
    const awaitedChildren = (counted.awaitedChildren ?? 0) + count('awaitedChild');
    const children = awaitedChildren === 0 && counted.awaitedChildren === undefined ? {} : { awaitedChildren };
    this.set({ undo: { ...counted, awaited: counted.awaited + count('awaited'), done: counted.done + count('done'), ...children } });
  }

  /** The child is asked for, or told something else. */
  book(task: TaskPath, child: Omit<BookedChild, 'path' | 'status'>): void {
    const before = bookAt(this.#state, task);
    const path = bookPathOf(task);
    if (before === undefined && !child.detached) this.#state.childCount = (this.#state.childCount ?? 0) + 1;
    this.#scopes()[path] = { path, status: 'child', ...child };
  }

  /** What is wanted of the child changes. A cancel tells thousands, so nothing else of the book is looked at. */
  tell(task: TaskPath, { wish, number }: Pick<BookedChild, 'wish' | 'number'>): void {
    const book = this.booked(task);
    this.#scopes()[book.path] = { ...book, wish, number };
  }

  hasBooked(task: TaskPath): boolean {
    return bookAt(this.#state, task) !== undefined;
  }

  booked(task: TaskPath): BookedChild {
    const book = bookAt(this.#state, task);
    invariant(book !== undefined, `a child of ${task} is in the books`);
    return book;
  }

  /** Its end was heard. */
  strike(task: TaskPath): void {
    const { path, detached } = this.booked(task);
    if (!detached) this.#state.childCount = (this.#state.childCount ?? 1) - 1;
    this.#drop([path]);
  }

  remember(commandId: CommandId | null): void {
    if (commandId === null || this.#state.commands.includes(commandId)) return;
    this.#state.commands = [...this.#state.commands, commandId].slice(-COMMANDS_KEPT);
  }

  end(phase: EndedPhase, at: EpochMs): void {
    this.set({ phase, endedAt: at, paused: null, ...('pausedByParent' in this.#state ? { pausedByParent: null } : {}) });
    this.clearRoot();
    if (this.#state.undo === undefined) return;
    delete this.#state.undo;
    if (this.#open(rootPath).undo !== undefined) delete this.#copy(rootPath).scope.undo;
  }

  /** Ends the instance's own scope; all others have ended. */
  clearRoot(): void {
    this.set({ incidentCount: 0 });
    const { timers, incidents } = this.#open(rootPath);
    for (const _ in timers) this.#part(rootPath, 'timers').timers = {};
    for (const _ in incidents) this.#part(rootPath, 'incidents').incidents = {};
  }

  #open(path: ScopePath): OpenScope {
    const scope = scopeAt(this.#state, path);
    invariant(scope?.status === 'open', `the scope "${path}" is open`);
    return scope;
  }

  #scopes(): Record<ScopePath, StatePart> {
    if (!this.#scopesCopied) {
      this.#state.scopes = { ...this.#state.scopes };
      this.#scopesCopied = true;
    }
    // The copy just made belongs to this builder alone.
    return this.#state.scopes as Record<ScopePath, StatePart>;
  }

  #drop(paths: readonly ScopePath[]): void {
    const scopes = this.#scopes();
    for (const path of paths) delete scopes[path];
    this.set(withDropped(this.#state, paths));
  }

  /** The scope, itself free to be written to, with its parts as far as they are copies. */
  #copy(path: ScopePath): CopiedScope {
    let copied = this.#copied.get(path);
    if (copied === undefined) {
      copied = { scope: { ...this.#open(path) } as WritableScope, tasks: false, incidents: false, timers: false };
      this.#copied.set(path, copied);
      this.#scopes()[path] = copied.scope;
    }
    return copied;
  }

  /** The scope, with a part that may be written to. */
  #part(path: ScopePath, part: Part): WritableScope {
    const copied = this.#copy(path);
    const { scope } = copied;
    if (!copied[part]) {
      copied[part] = true;
      if (part === 'tasks') scope.tasks = { ...scope.tasks };
      else if (part === 'timers') scope.timers = { ...scope.timers };
      else scope.incidents = { ...scope.incidents };
    }
    return scope;
  }

  #mapTimers(scopes: readonly OpenScope[], map: (timer: Timer) => Timer): void {
    for (const { path, timers } of scopes) {
      for (const [timerId, timer] of Object.entries(timers)) {
        const mapped = map(timer);
        if (mapped !== timer) this.#part(path, 'timers').timers[timerId] = mapped;
      }
    }
  }

  #followTimer(timer: Timer): void {
    if (timer.state !== 'armed' || timer.path === null) return;
    const task = this.task(timer.path);
    if (timer.kind === 'retry' && task.status === 'retrying') this.put({ ...task, retryAt: timer.dueAt });
    else if (timer.kind === 'wait' && task.type === 'wait' && task.status === 'open') this.put({ ...task, until: timer.dueAt });
  }
}
