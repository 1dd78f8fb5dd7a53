/**
 * The only place where an instance's state changes: what each event means.
 * `apply` works on a draft that copies a part of the state when it first touches it, so that a step over a hundred
 * events copies each map once. Task objects themselves are replaced, never written: who compares them by reference sees
 * exactly what changed.
 */
import { assertNever, invariant } from '../assert.ts';
import type { EpochMs, InstanceId, TaskPath } from '../ids.ts';
import { own } from '../record.ts';
import { consumedBefore, consumedBy } from './consumed.ts';
import type { InstanceEvent, InstanceStarted, TaskCompleted, TaskFailed } from './events.ts';
import {
  type ClosedTask,
  type Incident,
  type InstanceState,
  isOpen,
  type OpenTask,
  type TaskState,
  type Timer,
  type TimerKind,
  timerIdOf,
} from './state.ts';

/** Commands remembered, so that each counts once: more than a redispatch of every node sends at a time, so that such a round never pushes out what people sent. */
const COMMANDS_KEPT = 1_024;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Parts = {
  tasks: Record<TaskPath, TaskState>;
  incidents: Record<string, Incident>;
  timers: Record<string, Timer>;
};

export class Draft {
  #state: Writable<InstanceState>;
  readonly #copied = new Set<keyof Parts>();
  /** Counted when first asked for, and kept up from there. */
  #openCount: number | null = null;

  constructor(state: InstanceState) {
    this.#state = { ...state };
  }

  static started(instanceId: InstanceId, event: InstanceStarted, seq: number): Draft {
    const draft = new Draft(initialState(instanceId, event, seq));
    if (event.timeoutAt !== null) draft.#arm('instanceTimeout', null, 1, event.at, event.timeoutAt);
    return draft;
  }

  /** The state so far. Later calls of `apply` do not change what was handed out. */
  get state(): InstanceState {
    this.#copied.clear();
    return { ...this.#state };
  }

  /** The state so far, for reading before the next `apply` only: nothing is copied. */
  get current(): InstanceState {
    return this.#state;
  }

  /** How many tasks are open. */
  get openCount(): number {
    if (this.#openCount === null) {
      this.#openCount = 0;
      for (const path in this.#state.tasks) if (isOpenAt(this.#state.tasks, path as TaskPath)) this.#openCount++;
    }
    return this.#openCount;
  }

  apply(event: InstanceEvent, seq: number): void {
    this.#state.seq = seq;
    this.#state.updatedAt = event.at;
    this.#applyEvent(event, seq);
  }

  #applyEvent(event: InstanceEvent, seq: number): void {
    switch (event.type) {
      case 'InstanceStarted':
        invariant(false, 'an instance starts once');
        return;
      case 'TaskScheduled': {
        const { path, nodeId, attempt, basis, kind, payload, inputFrom, at } = event;
        this.#open({
          path,
          nodeId,
          attempt,
          basis,
          openedAt: at,
          type: kind,
          payload: { ...payload, inputSeq: inputFrom ?? seq },
          failures: 0,
          returns: 0,
          lastError: null,
          status: 'scheduled',
          dispatchedAt: at,
        });
        if (payload.queueTimeoutMs !== null) this.#arm('queueTimeout', path, attempt, at, at + payload.queueTimeoutMs);
        return;
      }
      case 'AttemptFailed': {
        const task = this.#automated(event.path);
        const { status: _, dispatchedAt: __, ...rest } = task;
        this.#disarm('queueTimeout', event.path);
        this.#resolveUnapplied(event.path);
        this.#put({ ...rest, status: 'retrying', retryAt: event.retryAt, failures: task.failures + 1, lastError: event.error });
        this.#arm('retry', event.path, event.attempt, event.at, event.retryAt);
        return;
      }
      case 'AttemptReturned': {
        const task = this.#automated(event.path);
        const { status: _, dispatchedAt: __, ...rest } = task;
        this.#disarm('queueTimeout', event.path);
        this.#resolveUnapplied(event.path);
        const lastError = { code: 'HANDLER_MISSING', message: 'A worker of the queue took the task and has no handler of that name.' };
        this.#put({ ...rest, status: 'retrying', retryAt: event.retryAt, returns: task.returns + 1, lastError });
        this.#arm('retry', event.path, event.attempt, event.at, event.retryAt);
        return;
      }
      case 'AttemptStarted': {
        const task = this.#task(event.path);
        invariant(task.status === 'retrying', 'only a task that waits for its next attempt starts one');
        const { status: _, retryAt: __, ...rest } = task;
        this.#disarm('retry', event.path);
        this.#put({ ...rest, status: 'scheduled', attempt: event.attempt, dispatchedAt: event.at });
        if (rest.payload.queueTimeoutMs !== null)
          this.#arm('queueTimeout', event.path, event.attempt, event.at, event.at + rest.payload.queueTimeoutMs);
        return;
      }
      case 'TaskRedispatched':
        this.#put({ ...this.#automated(event.path), dispatchedAt: event.at });
        this.#remember(event.commandId);
        return;
      case 'HumanTaskOpened': {
        const { path, nodeId, attempt, basis, title, assignees, dueAt, escalation, at } = event;
        this.#open({
          path,
          nodeId,
          attempt,
          basis,
          openedAt: at,
          type: 'human',
          status: 'open',
          title,
          assignees,
          dueAt,
          escalateTo: escalation?.to ?? null,
        });
        if (event.reminderAt !== null) this.#arm('reminder', path, attempt, at, event.reminderAt);
        if (escalation !== null) this.#arm('escalation', path, attempt, at, escalation.at);
        if (event.timeoutAt !== null) this.#arm('timeout', path, attempt, at, event.timeoutAt);
        return;
      }
      case 'HumanTaskReminded':
        this.#disarm('reminder', event.path);
        return;
      case 'HumanTaskEscalated': {
        const task = this.#task(event.path);
        invariant(task.type === 'human' && task.status === 'open', 'only an open human task escalates');
        this.#disarm('escalation', event.path);
        this.#put({ ...task, assignees: event.assignees, escalateTo: null });
        return;
      }
      case 'WaitStarted': {
        const { path, nodeId, attempt, basis, until, at } = event;
        this.#open({ path, nodeId, attempt, basis, openedAt: at, type: 'wait', status: 'open', until });
        this.#arm('wait', path, attempt, at, until);
        return;
      }
      case 'EventAwaited': {
        const { path, nodeId, attempt, basis, waits, count, at } = event;
        const consumed = consumedBy(own(this.#state.tasks, path));
        this.#open({ path, nodeId, attempt, basis, openedAt: at, type: 'event', status: 'open', waits, count, received: [], ...consumed });
        if (event.timeoutAt !== null) this.#arm('timeout', path, attempt, at, event.timeoutAt);
        return;
      }
      case 'EventReceived': {
        const task = this.#task(event.path);
        invariant(task.type === 'event' && task.status === 'open', 'only an open wait receives an event');
        this.#put({ ...task, received: [...task.received, { seq, event: event.event }] });
        return;
      }
      case 'EventPublished':
        return;
      case 'TaskCompleted': {
        const before = own(this.#state.tasks, event.path);
        this.#close({
          ...ended(event, before, seq),
          status: 'completed',
          output: event.output,
          outputSeq: event.outputFrom ?? seq,
          ...consumedBefore(before),
        });
        this.#remember(event.commandId);
        return;
      }
      case 'TaskFailed': {
        const before = own(this.#state.tasks, event.path);
        const payload = before !== undefined && 'payload' in before ? before.payload : null;
        this.#close({ ...ended(event, before, seq), status: event.status, error: event.error, payload, ...consumedBy(before) });
        this.#remember(event.commandId);
        return;
      }
      case 'TaskCancelled':
      case 'NodeSkipped': {
        const { path, nodeId, at } = event;
        const before = own(this.#state.tasks, path);
        const { attempt, basis, openedAt, type } = before ?? { attempt: 0, basis: this.#state.basis, openedAt: at, type: event.kind };
        const status = event.type === 'TaskCancelled' ? 'cancelled' : 'skipped';
        this.#close({
          path,
          nodeId,
          attempt,
          basis,
          openedAt,
          type,
          closedAt: at,
          closedSeq: seq,
          takenEdges: [],
          status,
          ...consumedBy(before),
        });
        this.#resolve(path);
        return;
      }
      case 'NodeExited': {
        const task = this.#task(event.path);
        invariant(!isOpen(task) && task.takenEdges === null, 'a node exits once, after it ended');
        this.#put({ ...task, takenEdges: event.takenEdges });
        if (event.set !== null) this.#state.vars = { ...this.#state.vars, ...event.set };
        return;
      }
      case 'IncidentRaised':
        invariant(own(this.#state.incidents, event.path ?? '') === undefined, 'a node is under one incident at a time');
        this.#part('incidents')[event.path ?? ''] = { ...event.incident, at: event.at };
        return;
      case 'IncidentResolved':
        this.#resolve(event.path ?? '');
        this.#remember(event.commandId);
        return;
      case 'InstancePaused':
        this.#state.paused = { at: event.at, by: event.by };
        this.#mapTimers((timer) => (timer.state === 'armed' ? stopped(timer, event.at) : timer));
        this.#remember(event.commandId);
        return;
      case 'InstanceResumed':
        this.#state.paused = null;
        this.#mapTimers((timer) => (timer.state === 'stopped' ? armed(timer, event.at) : timer));
        this.#followTimers();
        this.#remember(event.commandId);
        return;
      case 'CommandRefused':
        this.#remember(event.commandId);
        return;
      case 'InstanceCancelled':
        this.#end('cancelled', event.at);
        this.#remember(event.commandId);
        return;
      case 'InstanceCompleted':
        this.#end('completed', event.at);
        this.#state.output = event.output;
        return;
      case 'InstanceFailed':
        this.#end('failed', event.at);
        this.#state.error = event.error;
        return;
      default:
        assertNever(event);
    }
  }

  #part<Name extends keyof Parts>(name: Name): Parts[Name] {
    if (!this.#copied.has(name)) {
      const parts: Writable<Pick<InstanceState, keyof Parts>> = this.#state;
      parts[name] = { ...this.#state[name] };
      this.#copied.add(name);
    }
    // The copy just made belongs to this draft alone.
    return this.#state[name] as Parts[Name];
  }

  #task(path: TaskPath): TaskState {
    const task = own(this.#state.tasks, path);
    invariant(task !== undefined, `no task at ${path}`);
    return task;
  }

  #automated(path: TaskPath): OpenTask & { readonly status: 'scheduled' } {
    const task = this.#task(path);
    invariant(task.status === 'scheduled', 'only a scheduled task has an attempt');
    return task;
  }

  #put(task: TaskState): void {
    const tasks = this.#part('tasks');
    if (this.#openCount !== null) this.#openCount += Number(isOpen(task)) - Number(isOpenAt(tasks, task.path));
    tasks[task.path] = task;
  }

  #open(task: OpenTask): void {
    const before = own(this.#state.tasks, task.path);
    invariant(before === undefined || !isOpen(before), `${task.path} is open already`);
    this.#put(task);
  }

  #close(task: ClosedTask): void {
    this.#put(task);
    this.#resolveUnapplied(task.path);
    for (const _ in this.#state.timers) {
      for (const kind of taskTimers) this.#disarm(kind, task.path);
      return;
    }
  }

  #resolve(path: string): void {
    if (own(this.#state.incidents, path) !== undefined) delete this.#part('incidents')[path];
  }

  /** What could not be applied counts no more once the task moves on by something else. */
  #resolveUnapplied(path: TaskPath): void {
    if (own(this.#state.incidents, path)?.phase === 'message') this.#resolve(path);
  }

  #arm(kind: TimerKind, path: TaskPath | null, attempt: number, now: EpochMs, dueAt: EpochMs): void {
    const timer: Timer = { kind, path, attempt, state: 'armed', dueAt };
    this.#part('timers')[timerIdOf(kind, path)] = this.#state.paused === null ? timer : stopped(timer, now);
  }

  #disarm(kind: TimerKind, path: TaskPath): void {
    const timerId = timerIdOf(kind, path);
    if (own(this.#state.timers, timerId) !== undefined) delete this.#part('timers')[timerId];
  }

  #mapTimers(map: (timer: Timer) => Timer): void {
    const timers = this.#part('timers');
    for (const [timerId, timer] of Object.entries(timers)) timers[timerId] = map(timer);
  }

  /** What a task says about its time is when its timer is due. */
  #followTimers(): void {
    for (const timer of Object.values(this.#state.timers)) {
      if (timer.state !== 'armed' || timer.path === null) continue;
      const task = this.#task(timer.path);
      if (timer.kind === 'retry' && task.status === 'retrying') this.#put({ ...task, retryAt: timer.dueAt });
      else if (timer.kind === 'wait' && task.type === 'wait' && task.status === 'open') this.#put({ ...task, until: timer.dueAt });
    }
  }

  #remember(commandId: InstanceState['commands'][number] | null): void {
    if (commandId === null || this.#state.commands.includes(commandId)) return;
    this.#state.commands = [...this.#state.commands, commandId].slice(-COMMANDS_KEPT);
  }

  #end(phase: 'completed' | 'failed' | 'cancelled', at: EpochMs): void {
    this.#state.phase = phase;
    this.#state.endedAt = at;
    this.#state.paused = null;
    this.#state.timers = {};
    this.#state.incidents = {};
    this.#copied.delete('timers');
    this.#copied.delete('incidents');
  }
}

/** What a task has that ended by itself, whichever way; its edges are still to be weighed. */
function ended(event: TaskCompleted | TaskFailed, before: TaskState | undefined, seq: number) {
  const { path, nodeId, attempt, basis, kind, at } = event;
  const openedAt = before?.openedAt ?? at;
  return { path, nodeId, attempt, basis, openedAt, type: kind, closedAt: at, closedSeq: seq, takenEdges: null } as const;
}

function isOpenAt(tasks: InstanceState['tasks'], path: TaskPath): boolean {
  const task = own(tasks, path);
  return task !== undefined && isOpen(task);
}

/** Timers that end with their task. */
const taskTimers = ['retry', 'wait', 'timeout', 'queueTimeout', 'reminder', 'escalation'] as const satisfies readonly TimerKind[];

function stopped(timer: Timer & { readonly state: 'armed' }, now: EpochMs): Timer {
  const { dueAt, ...rest } = timer;
  return { ...rest, state: 'stopped', remainingMs: Math.max(0, dueAt - now) };
}

function armed(timer: Timer & { readonly state: 'stopped' }, now: EpochMs): Timer {
  const { remainingMs, ...rest } = timer;
  return { ...rest, state: 'armed', dueAt: now + remainingMs };
}

function initialState(instanceId: InstanceId, event: InstanceStarted, seq: number): InstanceState {
  return {
    instanceId,
    definitionId: event.definitionId,
    definitionVersion: event.definitionVersion,
    businessKey: event.businessKey,
    input: event.input,
    vars: event.vars,
    phase: 'running',
    paused: null,
    basis: event.basis,
    tasks: {},
    incidents: {},
    timers: {},
    commands: [],
    seq,
    startedAt: event.at,
    updatedAt: event.at,
    endedAt: null,
    output: null,
    error: null,
  };
}
