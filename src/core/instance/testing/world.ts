/**
 * The world around one instance, in memory: queues, timers, waits and the inbox, kept by the core's effects alone, as the
 * store and the outbox keep them. It delivers late, twice, in any order and in batches, and after each step checks what
 * must hold always; so a schedule of random numbers becomes a test of the core.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { restoreHistory, type StoredEntry, seqsOfHistory, storeHistory } from '../../../store/stored/history.ts';
import { restoreState, type StoredState, seqsOfState, stateText } from '../../../store/stored/state.ts';
import { outputSeqOf } from '../../../store/stored/task-images.ts';
import type { Definition } from '../../definition/types.ts';
import type { Basis, CommandId, InstanceId, ScopePath, TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import { own } from '../../record.ts';
import { attemptUnderIncident } from '../decide/command-preconditions.ts';
import type { AddressedNotification, CommandIssued, Notification, TaskOutcome } from '../decide/notification.ts';
import { fold, start, statusOf, step } from '../index.ts';
import type { Effect } from '../outgoing/effects.ts';
import { incidentsOf, scopePathOf, taskAt, tasksOf, timersOf } from '../state/scopes.ts';
import { type InstanceState, isOpen, type TimerKind } from '../state/state.ts';
import type { HistoryEntry, StepResult } from '../step.ts';

const INSTANCE_ID = '01890000-0000-7000-8000-000000000002' as InstanceId;
const STARTED_AT = Date.parse('2026-01-01T00:00:00Z');

type Dispatched = { readonly path: TaskPath; readonly attempt: number; readonly basis: Basis };
type Delivered = { readonly addressed: AddressedNotification; readonly wasRefused: boolean };

export type WorldStep = { readonly before: InstanceState | null; readonly result: StepResult };

/** Numbers that decide what happens next; when they are used up, it is always the first choice. */
export class Chance {
  readonly #numbers: readonly number[];
  #used = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  get isUsedUp(): boolean {
    return this.#used >= this.#numbers.length;
  }

  below(limit: number): number {
    return (this.#numbers[this.#used++] ?? 0) % limit;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(Math.max(1, list.length))];
  }
}

export class World {
  readonly definition: Definition;
  readonly history: HistoryEntry[];
  /** All that was decided, the start first. */
  readonly steps: WorldStep[] = [];
  state: InstanceState;
  now = STARTED_AT;
  /** By effects: what the tables and topics hold. */
  readonly #dispatched: Dispatched[] = [];
  readonly #timers = new Map<string, { readonly kind: TimerKind; readonly dueAt: number }>();
  readonly #subscriptions = new Map<string, { readonly path: TaskPath; readonly attempt: number; readonly wait: number }>();
  readonly #inbox = new Map<TaskPath, { readonly assignees: unknown }>();
  readonly #delivered: Delivered[] = [];
  /** What the database holds: the history without payloads, and the payloads by the number of their entry. */
  readonly #payloads = new Map<number, Json>();
  #outputSeq: number | null = null;
  readonly #entries: StoredEntry[] = [];
  #messages = 0;
  #commands = 0;
  #events = 0;

  constructor(definition: Definition, input: JsonObject, instanceId: InstanceId = INSTANCE_ID) {
    this.definition = definition;
    const command = { instanceId, input, businessKey: null, by: 'tester', cause: 'rest:1' };
    const begin = () => {
      const started = start(definition, command, this.now);
      if (!started.ok) throw new Error(`the start was refused: ${JSON.stringify(started.error)}`);
      return started.value;
    };
    const started = begin();
    same(begin(), started, 'a start is decided alike each time');
    this.state = started.state;
    this.history = [...started.history];
    this.#store(started, null);
    this.#carryOut(started.effects);
    this.#check(started, null);
  }

  /** From the start to its end, as these numbers have it. */
  run(numbers: readonly number[]): void {
    const chance = new Chance(numbers);
    while (!chance.isUsedUp && this.state.phase === 'running') this.act(chance);
    this.finish();
  }

  /** Lets chance deliver something, or several things in one batch. */
  act(chance: Chance): void {
    const size = chance.below(3) === 0 ? 2 + chance.below(3) : 1;
    const batch: AddressedNotification[] = [];
    for (let index = 0; index < size; index++) {
      const addressed = this.#draw(chance);
      if (addressed !== null) batch.push(addressed);
    }
    this.now += chance.below(3) * 700;
    this.deliver(batch);
  }

  deliver(batch: readonly AddressedNotification[]): void {
    const before = this.state;
    const result = step(this.definition, before, batch, this.now);
    same(
      step(this.definition, this.#stored(before), batch, this.now),
      result,
      'a step is decided alike each time, from the stored state too',
    );
    if (batch.length > 1) this.#checkOneByOne(before, batch, result);
    this.state = result.state;
    this.history.push(...result.history);
    this.#store(result, before);
    this.#carryOut(result.effects);
    const refused = new Set(result.rejected.map(({ notification }) => notification));
    for (const addressed of batch) this.#delivered.push({ addressed, wasRefused: refused.has(addressed) });
    this.#check(result, before);
    this.#checkRepeat(batch);
  }

  /** Resumes, resolves and completes until the instance has ended or only what can never hold keeps it under incident. */
  finish(): void {
    for (let round = 0; this.state.phase === 'running'; round++) {
      holds(round < 500, 'an instance whose work succeeds ends');
      if (this.state.paused !== null) this.deliver([this.#command({ type: 'resume' })]);
      else if (statusOf(this.state) === 'incident' && round % 20 === 19) {
        this.deliver([this.#command(round < 100 ? { type: 'retry', path: null } : { type: 'cancel', reason: null })]);
      } else this.deliver(this.#successes());
    }
    same(fold(this.state.instanceId, this.history), this.state, 'history folded is the state');
    const restored = restoreHistory(this.#entries, this.#payloadsOf(seqsOfHistory(this.#entries)));
    same(restored, this.history, 'the stored history is the history');
    this.#checkOpenings();
    const { state } = this;
    for (const { addressed } of [...this.#delivered]) this.deliver([addressed]);
    holds(this.state === state, 'a terminal instance stays as it is');
  }

  #successes(): AddressedNotification[] {
    const batch: Notification[] = [];
    for (const task of tasksOf(this.state)) {
      if (task.status === 'scheduled') batch.push(outcomeOf(task, { status: 'completed', output: 'done' }));
      else if (task.type === 'human' && task.status === 'open')
        batch.push(this.#command({ type: 'completeTask', path: task.path, attempt: task.attempt, output: {} }).notification);
    }
    for (const { path, attempt, wait } of this.#subscriptions.values()) batch.push(this.#event(path, attempt, wait, 10));
    const timer = [...this.#timers].sort(([, a], [, b]) => a.dueAt - b.dueAt)[0];
    if (timer !== undefined && batch.length === 0) batch.push(this.#fire(timer[0]));
    return batch.map((notification) => this.#addressed(notification));
  }

  #draw(chance: Chance): AddressedNotification | null {
    switch (chance.below(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return this.#drawOutcome(chance);
      case 5:
      case 6: {
        const timerId = chance.pick([...this.#timers.keys()]);
        return timerId === undefined ? this.#drawOutcome(chance) : this.#addressed(this.#fire(timerId));
      }
      case 7: {
        const subscription = chance.pick([...this.#subscriptions.values()]);
        if (subscription === undefined) return this.#drawOutcome(chance);
        return this.#addressed(this.#event(subscription.path, subscription.attempt, subscription.wait, chance.below(12)));
      }
      case 8: {
        const path = chance.pick([...this.#inbox.keys()]);
        if (path === undefined) return this.#drawOutcome(chance);
        const attempt = taskAt(this.state, path)?.attempt ?? 1;
        if (chance.below(4) > 0) return this.#command({ type: 'completeTask', path, attempt, output: { by: chance.below(9) } });
        return this.#command({ type: 'failTask', path, attempt, error: { code: chance.below(2) === 0 ? 'FATAL' : 'BUSY', message: 'no' } });
      }
      case 9:
      case 10:
      case 11:
        return this.#drawCommand(chance);
      default: {
        const again = chance.pick(this.#delivered);
        return again === undefined ? this.#drawOutcome(chance) : again.addressed;
      }
    }
  }

  #drawOutcome(chance: Chance): AddressedNotification | null {
    // The newest is the likeliest; an old one is late by then.
    const late = chance.below(3) === 0 ? chance.below(Math.max(1, this.#dispatched.length)) : 0;
    const open = this.#dispatched.filter((sent) => this.#isAwaited(sent));
    const sent = late > 0 ? this.#dispatched[late] : chance.pick(open);
    if (sent === undefined) return null;
    const error = { code: chance.below(4) === 0 ? 'FATAL' : 'BUSY', message: 'broken' };
    const results: readonly TaskOutcome['result'][] = [
      { status: 'completed', output: chance.below(3) },
      { status: 'completed', output: { n: 1 } },
      { status: 'completed', output: null },
      { status: 'failed', error, retryable: true, retryAfterMs: null },
      { status: 'failed', error, retryable: true, retryAfterMs: 5_000 },
      { status: 'failed', error, retryable: false, retryAfterMs: null },
      { status: 'timedOut', error: { code: 'TIMEOUT', message: 'slow' }, retryable: true, retryAfterMs: null },
      { status: 'returned' },
    ];
    const result = chance.pick(results) ?? { status: 'returned' };
    return this.#addressed(outcomeOf(sent, result));
  }

  #isAwaited({ path, attempt }: Dispatched): boolean {
    const task = taskAt(this.state, path);
    return task?.status === 'scheduled' && task.attempt === attempt;
  }

  #drawCommand(chance: Chance): AddressedNotification {
    const incidents = Object.keys(incidentsOf(this.state)).filter((path) => path !== '') as TaskPath[];
    const sent = chance.pick(this.#dispatched);
    switch (chance.below(20)) {
      case 0:
        return this.#command({ type: 'cancel', reason: null });
      case 1:
      case 2:
        return this.#command({ type: 'pause' });
      case 3:
      case 4:
      case 5:
        return this.#command({ type: 'resume' });
      case 6:
      case 7:
      case 8:
        return this.#command({ type: 'retry', path: null });
      case 9:
      case 10: {
        const path = chance.pick(incidents) ?? null;
        const named = path === null ? incidents : [path];
        const raisedBy = Object.fromEntries(
          named.map((at) => [at, (attemptUnderIncident(this.state, at) ?? 0) - (chance.below(3) === 0 ? 1 : 0)]),
        );
        return this.#command({ type: 'retry', path, raisedBy: chance.below(2) === 0 ? null : raisedBy });
      }
      case 11:
      case 12:
        if (sent !== undefined) return this.#command({ type: 'redispatch', path: sent.path, attempt: sent.attempt });
        return this.#command({ type: 'pause' });
      default:
        return this.#command({ type: this.state.paused === null ? 'pause' : 'resume' });
    }
  }

  #addressed(notification: Notification): AddressedNotification {
    return { instanceId: this.state.instanceId, cause: `n/0@${this.#messages++}`, notification };
  }

  #command(command: CommandIssued['command']): AddressedNotification {
    const commandId = `01890000-0000-7000-9000-${String(++this.#commands).padStart(12, '0')}` as CommandId;
    return this.#addressed({ type: 'CommandIssued', commandId, by: 'ada', command });
  }

  #fire(timerId: string): Notification {
    const { kind, dueAt } = this.#timers.get(timerId) ?? { kind: 'wait', dueAt: this.now };
    this.now = Math.max(this.now, dueAt);
    return { type: 'TimerFired', timerId, kind, dueAt };
  }

  #event(path: TaskPath, attempt: number, wait: number, n: number): Notification {
    const id = String(++this.#events);
    const event: Json = { id, type: 'paid', source: 'bank', key: 'k', time: null, data: { n } };
    return { type: 'EventMatched', path, attempt, wait, eventRowId: id, event, whereError: n === 11 ? 'There is no key.' : null };
  }

  #store(result: StepResult, before: InstanceState | null): void {
    const { history } = result;
    this.steps.push({ before, result });
    this.#entries.push(...storeHistory(history, this.#payloads));
    this.#outputSeq = outputSeqOf(history) ?? this.#outputSeq;
  }

  /** The state as it comes back from the database. */
  #stored(state: InstanceState): InstanceState {
    const stored = JSON.parse(stateText(state)) as StoredState;
    const restored = restoreState(state.instanceId, stored, this.#outputSeq, this.#payloadsOf(seqsOfState(stored, this.#outputSeq)));
    same(restored, state, 'the stored state is the state');
    return restored;
  }

  /** Only those that are asked for, as the database gives them. */
  #payloadsOf(seqs: readonly number[]): ReadonlyMap<number, Json> {
    return new Map(seqs.flatMap((seq) => (this.#payloads.has(seq) ? [[seq, this.#payloads.get(seq) ?? null] as const] : [])));
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'dispatchTask': {
          const task = taskAt(this.state, effect.path);
          if (task?.status !== 'scheduled') throw new Error(`${effect.path} was dispatched and is not scheduled`);
          this.#dispatched.push({ path: task.path, attempt: task.attempt, basis: task.basis });
          break;
        }
        case 'armTimer':
          this.#timers.set(effect.timerId, { kind: effect.kind, dueAt: effect.dueAt });
          break;
        case 'disarmTimer':
          this.#timers.delete(effect.timerId);
          break;
        case 'openSubscription':
          holds(!this.#subscriptions.has(`${effect.path}/${effect.wait}`), 'a wait has one subscription');
          this.#subscriptions.set(`${effect.path}/${effect.wait}`, { path: effect.path, attempt: effect.attempt, wait: effect.wait });
          break;
        case 'closeSubscriptions':
          for (const [id, { path }] of this.#subscriptions) if (path === effect.path) this.#subscriptions.delete(id);
          break;
        case 'openHumanTask':
        case 'reassignHumanTask':
          this.#inbox.set(effect.path, { assignees: effect.assignees });
          break;
        case 'closeHumanTask':
          this.#inbox.delete(effect.path);
          break;
        default:
          break;
      }
    }
  }

  #check({ state, effects, history }: StepResult, before: InstanceState | null): void {
    holds(effects.filter(({ type }) => type === 'lifecycle').length <= 1, 'one lifecycle record a step');
    holds(before === null || state.seq === before.seq + history.length, 'history has no gaps');
    holds(state.phase === 'running' || !tasksOf(state).some(isOpen), 'open nodes end with their instance');
    if (state.phase === 'completed') this.#checkDecided();
    holds(state.paused === null || this.#timers.size === 0, 'no timer runs during a pause');
    this.#checkTables();
    this.#checkMovers();
    this.#checkBudgets();
  }

  /** A completed instance has run, skipped or cancelled every node, and weighed all their edges. */
  #checkDecided(): void {
    for (const id of this.definition.root.nodes.keys()) {
      const task = taskAt(this.state, id as string as TaskPath);
      holds(task !== undefined && !isOpen(task) && task.takenEdges !== null, `${id} is decided when its instance completes`);
    }
  }

  /** What the effects made of the tables is what the state says. */
  #checkTables(): void {
    const armed = Object.entries(timersOf(this.state)).flatMap(([id, timer]) =>
      timer.state === 'armed' ? [[id, { kind: timer.kind, dueAt: timer.dueAt }] as const] : [],
    );
    same(new Map(this.#timers), new Map(armed), 'the armed timers are those of the state');
    const waits = new Map<string, unknown>();
    const people = new Map<string, unknown>();
    for (const task of tasksOf(this.state)) {
      if (task.status !== 'open') continue;
      if (task.type === 'human') people.set(task.path, { assignees: task.assignees });
      if (task.type !== 'event') continue;
      for (const wait of task.waits.keys()) waits.set(`${task.path}/${wait}`, { path: task.path, attempt: task.attempt, wait });
    }
    same(new Map(this.#subscriptions), waits, 'the subscriptions are those of the open waits');
    same(new Map(this.#inbox), people, 'the inbox holds the open tasks of people');
  }

  /** A running instance always has something that will move it. */
  #checkMovers(): void {
    const open = tasksOf(this.state).filter(isOpen);
    holds(statusOf(this.state) !== 'running' || open.length > 0, 'nothing stays running with nothing open');
    for (const task of open) {
      const timer = (kind: TimerKind) => own(timersOf(this.state), `${task.path}#${kind}`) !== undefined;
      const moves =
        task.status === 'scheduled'
          ? this.#wasSent(task)
          : task.status === 'retrying'
            ? timer('retry')
            : task.type === 'forEach' || task.type === 'repeat'
              ? timer('loop') || this.state.paused !== null || this.#hasScopes(task.path)
              : task.type !== 'wait' || timer('wait');
      holds(moves, `something moves ${task.path}`);
    }
  }

  #hasScopes(loop: TaskPath): boolean {
    return Object.values(this.state.scopes).some(({ path, status }) => status === 'open' && path.startsWith(`${loop}.`));
  }

  #wasSent({ path, attempt, basis }: Dispatched): boolean {
    return this.#dispatched.some((sent) => sent.path === path && sent.attempt === attempt && sent.basis === basis);
  }

  #checkBudgets(): void {
    for (const task of tasksOf(this.state)) {
      const node = this.definition.nodes.get(task.nodeId);
      if (node === undefined || !('retry' in node) || !('failures' in task)) continue;
      holds(task.failures < node.retry.maxAttempts, `${task.path} keeps its budget`);
    }
  }

  /** A join fires once: a node opens once in a run of its scope, and once more for each incident of it that was resolved. */
  #checkOpenings(): void {
    const openings = new Map<string, number>();
    const runs = new Map<ScopePath, number>();
    const add = (path: TaskPath, by: number) => {
      const run = `${path} in run ${runs.get(scopePathOf(path)) ?? 0}`;
      openings.set(run, (openings.get(run) ?? 0) + by);
    };
    for (const { event } of this.history) {
      if (event.type === 'ScopeOpened') runs.set(event.scope, (runs.get(event.scope) ?? 0) + 1);
      if (
        event.type === 'TaskScheduled' ||
        event.type === 'HumanTaskOpened' ||
        event.type === 'WaitStarted' ||
        event.type === 'EventAwaited'
      )
        add(event.path, 1);
      else if (event.type === 'IncidentResolved' && event.path !== null) add(event.path, -1);
    }
    for (const [path, count] of openings) holds(count <= 1, `${path} opens once`);
  }

  /** What has been delivered changes nothing when it comes again. */
  #checkRepeat(batch: readonly AddressedNotification[]): void {
    const counted = batch.filter((addressed) => this.#counts(addressed));
    const repeated = step(this.definition, this.state, counted, this.now);
    same(repeated.history, [], 'a repeated notification changes nothing');
    for (const addressed of counted.filter((each) => !this.#wasRefused(each))) {
      const { effects } = step(this.definition, this.state, [addressed], this.now);
      holds(!effects.some(({ type }) => type === 'returnEvent'), 'an event that was taken does not go back when it comes again');
    }
    holds(repeated.state === this.state, 'a repeated notification keeps the very state');
  }

  /** What was refused for the moment only may fit later: a timer that a pause stopped, a message that is to go again. */
  #counts(addressed: AddressedNotification): boolean {
    const { notification } = addressed;
    const isForTheMoment =
      notification.type === 'TimerFired' || (notification.type === 'CommandIssued' && notification.command.type === 'redispatch');
    return !isForTheMoment || !this.#wasRefused(addressed);
  }

  #wasRefused(addressed: AddressedNotification): boolean {
    return this.#delivered.some((delivered) => delivered.addressed === addressed && delivered.wasRefused);
  }

  /** Batches are for speed: one by one, the same comes of it. */
  #checkOneByOne(before: InstanceState, batch: readonly AddressedNotification[], whole: StepResult): void {
    let state = before;
    const history: HistoryEntry[] = [];
    for (const addressed of batch) {
      const single = step(this.definition, state, [addressed], this.now);
      state = single.state;
      history.push(...single.history);
    }
    same(history, whole.history, 'a batch decides what its notifications decide one by one');
    same(state, whole.state, 'a batch leads where its notifications lead one by one');
  }
}

function outcomeOf({ path, attempt, basis }: Dispatched, result: TaskOutcome['result']): TaskOutcome {
  return { type: 'TaskOutcome', path, attempt, basis, result };
}

/** An assertion costs more than a step, and there are millions: made only to fail. */
function holds(condition: boolean, message: string): void {
  if (!condition) expect.fail(message);
}

/** Deep equality; the slower comparison, which shows what differs, only when they do. */
function same(actual: unknown, expected: unknown, message: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, message).toEqual(expected);
}
