/**
 * Given, when, then for the core: runs a definition by hand, without clock or I/O.
 * Every step also checks what must hold always: history folded gives the state, and each effect belongs to a live task.
 */
import { expect } from 'vitest';
import { parseDefinition } from '../../src/core/definition/index.ts';
import type { Definition } from '../../src/core/definition/types.ts';
import { type CommandId, type InstanceId, parseCommandId, type TaskPath } from '../../src/core/ids.ts';
import type { AddressedNotification, CommandIssued, Notification, TaskOutcome } from '../../src/core/instance/decide/notification.ts';
import { fold, recordUnapplied, start, statusOf, step } from '../../src/core/instance/index.ts';
import type { Effect } from '../../src/core/instance/outgoing/effects.ts';
import { awaitedWork, incidentsOf, sentTaskAt, taskAt, tasksOf, timersOf } from '../../src/core/instance/state/scopes.ts';
import {
  type Incident,
  type InstanceState,
  isOpen,
  type TaskError,
  type TaskState,
  type Timer,
} from '../../src/core/instance/state/state.ts';
import type { HistoryEntry, StepResult } from '../../src/core/instance/step.ts';
import type { Json } from '../../src/core/json.ts';

export const INSTANCE_ID = '01890000-0000-7000-8000-000000000001' as InstanceId;
export const T0 = Date.parse('2026-01-01T00:00:00Z');

export function definitionOf(document: Json, version = 1): Definition {
  const parsed = parseDefinition(document, { version });
  if (!parsed.ok) throw new Error(`the test's definition has errors: ${JSON.stringify(parsed.error)}`);
  return parsed.value;
}

export class Scenario {
  /** The version that the instance runs on. */
  definition: Definition;
  /** Those that it can move to. */
  readonly versions = new Map<number, Definition>();
  state: InstanceState;
  readonly history: HistoryEntry[];
  /** Effects of the last step. */
  effects: readonly Effect[];
  /** Codes of what the last step rejected. */
  rejected: readonly string[] = [];
  now: number;
  #messages = 0;
  #commands = 0;

  constructor(document: Json, input: Json = {}, options: { readonly now?: number; readonly businessKey?: string } = {}) {
    this.definition = definitionOf(document);
    this.now = options.now ?? T0;
    const started = start(
      this.definition,
      { instanceId: INSTANCE_ID, input, businessKey: options.businessKey ?? null, by: 'tester', cause: 'rest:1' },
      this.now,
    );
    if (!started.ok) throw new Error(`the start was refused: ${JSON.stringify(started.error)}`);
    this.state = started.value.state;
    this.history = [...started.value.history];
    this.effects = started.value.effects;
    this.#check();
  }

  /** Applies notifications as one batch, in as many steps as they take. */
  send(...notifications: readonly Notification[]): this {
    let left: readonly AddressedNotification[] = notifications.map((notification) => ({
      instanceId: INSTANCE_ID,
      cause: `n/0@${this.#messages++}`,
      notification,
    }));
    do {
      const result = step(this.definition, this.state, left, this.now, undefined, this.versions);
      this.#take(result);
      left = result.left;
    } while (left.length > 0);
    return this;
  }

  /** Records that a notification could not be applied. */
  unapplied(notification: Notification, error: TaskError): this {
    const addressed = { instanceId: INSTANCE_ID, cause: `n/0@${this.#messages++}`, notification };
    return this.#take(recordUnapplied(this.state, addressed, error, this.now));
  }

  #take(result: StepResult): this {
    this.state = result.state;
    this.history.push(...result.history);
    this.effects = result.effects;
    this.definition = this.versions.get(result.state.definitionVersion) ?? this.definition;
    this.rejected = result.rejected.map(({ rejection }) => rejection.code);
    this.#check();
    return this;
  }

  after(ms: number): this {
    this.now += ms;
    return this;
  }

  completes(path: string, output: Json = null): this {
    return this.send(this.outcome(path, { status: 'completed', output }));
  }

  fails(path: string, code = 'BROKEN', options: { readonly retryable?: boolean; readonly retryAfterMs?: number } = {}): this {
    const error = { code, message: `${code} happened` };
    return this.send(
      this.outcome(path, { status: 'failed', error, retryable: options.retryable ?? true, retryAfterMs: options.retryAfterMs ?? null }),
    );
  }

  timesOut(path: string): this {
    return this.send(
      this.outcome(path, { status: 'timedOut', error: { code: 'TIMEOUT', message: 'too slow' }, retryable: true, retryAfterMs: null }),
    );
  }

  /** An outcome that fits the open attempt. */
  outcome(path: string, result: TaskOutcome['result']): TaskOutcome {
    const { attempt, basis } = this.task(path);
    return { type: 'TaskOutcome', path: path as TaskPath, attempt, basis, result };
  }

  /** An outcome of a task that a worker has, though its node was cancelled. */
  outcomeOfAwaited(path: string, result: TaskOutcome['result']): TaskOutcome {
    const work = awaitedWork(this.state).find((each) => each.path === path);
    if (work === undefined) throw new Error(`nothing is awaited of ${path}`);
    return { type: 'TaskOutcome', path: work.path, attempt: work.attempt, basis: work.basis, result };
  }

  armed(timerId: string): Timer & { readonly state: 'armed' } {
    const timer = this.timers[timerId];
    if (timer?.state !== 'armed') throw new Error(`no armed timer ${timerId}: ${Object.keys(this.timers).join(', ')}`);
    return timer;
  }

  /** The armed timer comes due: moves the clock there. */
  timer(timerId: string): this {
    const timer = this.armed(timerId);
    this.now = Math.max(this.now, timer.dueAt);
    return this.send({ type: 'TimerFired', timerId, kind: timer.kind, dueAt: timer.dueAt });
  }

  command(command: CommandIssued['command'], by = 'operator'): this {
    return this.send(this.issued(command, by));
  }

  /** Deploys the document as the next version, and moves the instance to it. */
  migrates(document: Json, reason: string | null = null): this {
    const version = this.deploys(document);
    return this.command({ type: 'migrate', version, reason });
  }

  deploys(document: Json): number {
    const version = Math.max(this.definition.version, ...this.versions.keys()) + 1;
    this.versions.set(this.definition.version, this.definition);
    this.versions.set(version, definitionOf(document, version));
    return version;
  }

  issued(command: CommandIssued['command'], by = 'operator'): CommandIssued {
    return { type: 'CommandIssued', commandId: commandId(++this.#commands), by, command };
  }

  approves(path: string, output: Json, by = 'ada'): this {
    const attempt = taskAt(this.state, path as TaskPath)?.attempt ?? 1;
    return this.command({ type: 'completeTask', path: path as TaskPath, attempt, output }, by);
  }

  event(path: string, event: Json, options: { readonly wait?: number; readonly rowId?: string; readonly whereError?: string } = {}): this {
    const attempt = taskAt(this.state, path as TaskPath)?.attempt ?? 1;
    const { wait = 0, rowId = '1', whereError = null } = options;
    return this.send({ type: 'EventMatched', path: path as TaskPath, attempt, wait, eventRowId: rowId, event, whereError });
  }

  task(path: string): TaskState {
    const task = taskAt(this.state, path as TaskPath);
    if (task === undefined)
      throw new Error(
        `no task ${path}: there are ${tasksOf(this.state)
          .map((each) => each.path)
          .join(', ')}`,
      );
    return task;
  }

  /** Incidents of all scopes, by path. */
  get incidents(): Readonly<Record<string, Incident>> {
    return incidentsOf(this.state);
  }

  /** Timers of all scopes, by id. */
  get timers(): Readonly<Record<string, Timer>> {
    return timersOf(this.state);
  }

  get status(): string {
    return statusOf(this.state);
  }

  /** Paths of all open tasks, sorted. */
  get open(): readonly string[] {
    return tasksOf(this.state)
      .filter(isOpen)
      .map((task) => task.path)
      .sort();
  }

  /** Status of every node that has one. */
  get statuses(): Readonly<Record<string, string>> {
    return Object.fromEntries(tasksOf(this.state).map((task) => [task.path, task.status]));
  }

  get eventTypes(): readonly string[] {
    return this.history.map(({ event }) => event.type);
  }

  effectsOf<Type extends Effect['type']>(type: Type): readonly (Effect & { type: Type })[] {
    return this.effects.filter((effect): effect is Effect & { type: Type } => effect.type === type);
  }

  get dispatched(): readonly string[] {
    return this.effectsOf('dispatchTask')
      .map(({ path }) => path)
      .sort();
  }

  #check(): void {
    expect(fold(INSTANCE_ID, this.history)).toEqual(this.state);
    for (const { path, attempt } of this.effectsOf('dispatchTask')) expect(sentTaskAt(this.state, path, attempt)).toBeDefined();
  }
}

export function commandId(n: number): CommandId {
  const id = parseCommandId(`01890000-0000-7000-9000-${String(n).padStart(12, '0')}`);
  if (id === undefined) throw new Error('unreachable: the id above is well formed');
  return id;
}
