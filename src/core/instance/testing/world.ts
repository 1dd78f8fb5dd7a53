/**
 * The world around one instance, in memory: queues, timers, waits and the inbox, kept by the core's effects alone, as the
 * store and the outbox keep them. It delivers late, twice, in any order and in batches, and after each step checks what
 * must hold always; so a schedule of random numbers becomes a test of the core.
 */
import type { Definition } from '../../definition/types.ts';
import type { InstanceId } from '../../ids.ts';
import type { JsonObject } from '../../json.ts';
import { areBooksEmpty } from '../children/books.ts';
import type { AddressedNotification } from '../decide/notification.ts';
import { defaultRunLimits, fold, type RunLimits, start, statusOf, step } from '../index.ts';
import { hasEnded, type InstanceState } from '../state/state.ts';
import type { HistoryEntry, StepResult } from '../step.ts';
import { holds, same } from './assertions.ts';
import { Chance } from './chance.ts';
import { checkOpenings, checkStep } from './invariants.ts';
import { LazyCopy } from './lazy-copy.ts';
import { Notifications } from './notifications.ts';
import { Outside } from './outside.ts';
import { StoredCopy } from './stored-copy.ts';
import { checkUndoing } from './undoing.ts';

const INSTANCE_ID = '01890000-0000-7000-8000-000000000002' as InstanceId;
/** Steps of random definitions are small: that one leaves something to the next shows only where each may do next to nothing. */
export const smallSteps: RunLimits = { ...defaultRunLimits, stepUnits: 12 };
const STARTED_AT = Date.parse('2026-01-01T00:00:00Z');

type Delivered = { readonly addressed: AddressedNotification; readonly wasRefused: boolean };

export type WorldStep = { readonly before: InstanceState | null; readonly result: StepResult };

export class World {
  readonly history: HistoryEntry[];
  /** All that was decided, the start first. */
  readonly steps: WorldStep[] = [];
  state: InstanceState;
  now = STARTED_AT;
  /** Those that the instance can move to, and its first. */
  readonly #versions: Map<number, Definition>;
  readonly #limits: RunLimits;
  readonly #outside = new Outside();
  readonly #stored = new StoredCopy();
  readonly #lazy = new LazyCopy();
  readonly #notifications: Notifications;
  readonly #delivered: Delivered[] = [];

  constructor(
    definition: Definition,
    input: JsonObject,
    instanceId: InstanceId = INSTANCE_ID,
    limits = defaultRunLimits,
    others: readonly Definition[] = [],
    reruns = true,
  ) {
    this.#versions = new Map([definition, ...others].map((each) => [each.version, each]));
    this.#limits = limits;
    this.#notifications = new Notifications(instanceId, this.#outside, [...this.#versions.keys()], reruns);
    const command = { instanceId, input, businessKey: null, by: 'tester', cause: 'rest:1' };
    const begin = () => {
      const started = start(definition, command, this.now, this.#limits);
      if (!started.ok) throw new Error(`the start was refused: ${JSON.stringify(started.error)}`);
      return started.value;
    };
    const started = begin();
    same(begin(), started, 'a start is decided alike each time');
    this.state = started.state;
    this.history = [...started.history];
    this.#keep(started, null);
  }

  /** The version that the instance runs on. */
  get definition(): Definition {
    return this.#definitionOf(this.state);
  }

  #definitionOf({ definitionVersion }: InstanceState): Definition {
    const definition = this.#versions.get(definitionVersion);
    if (definition === undefined) throw new Error(`there is no version ${definitionVersion}`);
    return definition;
  }

  /** Moves the instance to another version, which changes nothing of what chance draws afterwards. */
  migrate(target: Definition): StepResult {
    this.#versions.set(target.version, target);
    const batch = [this.#notifications.migration(target.version)];
    const result = this.#step(this.state, batch);
    this.#lazy.check(this.state, batch, result, (state) => this.#step(state, batch));
    this.#take(result);
    return result;
  }

  /** From the start to its end, as these numbers have it. */
  run(numbers: readonly number[]): void {
    const chance = new Chance(numbers);
    while (!chance.isUsedUp && !hasEnded(this.state)) this.act(chance);
    this.finish();
  }

  /** Lets chance deliver something, or several things in one batch. */
  act(chance: Chance): void {
    const size = chance.below(3) === 0 ? 2 + chance.below(3) : 1;
    const batch: AddressedNotification[] = [];
    for (let index = 0; index < size; index++) {
      const addressed = this.#notifications.draw(chance, {
        state: this.state,
        delivered: this.#delivered.map(({ addressed }) => addressed),
      });
      if (addressed !== null) batch.push(addressed);
    }
    this.now += chance.below(3) * 700;
    this.deliver(batch);
  }

  deliver(batch: readonly AddressedNotification[]): void {
    for (const { notification } of batch) if (notification.type === 'TimerFired') this.now = Math.max(this.now, notification.dueAt);
    for (let left = batch; ; ) {
      const { length } = left;
      left = this.#deliverSome(left);
      if (left.length === 0) return;
      holds(left.length < length, 'a step decides on one notification at least');
    }
  }

  /** @returns what the step did not look at. */
  #deliverSome(batch: readonly AddressedNotification[]): readonly AddressedNotification[] {
    const before = this.state;
    const result = this.#step(before, batch);
    same(this.#step(this.#stored.roundTrip(before), batch), result, 'a step is decided alike each time, from the stored state too');
    this.#lazy.check(before, batch, result, (state) => this.#step(state, batch));
    const decided = batch.slice(0, batch.length - result.left.length);
    if (decided.length > 1) this.#checkOneByOne(before, decided, result);
    this.#take(result);
    const refused = new Set(result.rejected.map(({ notification }) => notification));
    for (const addressed of decided) this.#delivered.push({ addressed, wasRefused: refused.has(addressed) });
    this.#checkRepeat(decided);
    return result.left;
  }

  /** Resumes, resolves and completes until the instance has ended or only what can never hold keeps it under incident. */
  finish(): void {
    for (let round = 0; !hasEnded(this.state); round++) {
      holds(round < 500, 'an instance whose work succeeds ends');
      if (this.state.paused !== null) this.deliver([this.#notifications.command({ type: 'resume' })]);
      else if (statusOf(this.state) === 'incident' && round % 20 === 19) {
        this.deliver([this.#notifications.command(round < 100 ? { type: 'retry', path: null } : { type: 'cancel', reason: null })]);
      } else this.deliver(this.#notifications.successes(this.state));
    }
    this.deliver(this.#notifications.lastEnds(this.state));
    holds(areBooksEmpty(this.state), 'the books are empty when every end was heard');
    same(fold(this.state.instanceId, this.history), this.state, 'history folded is the state');
    same(this.#stored.history(), this.history, 'the stored history is the history');
    checkOpenings(this.history);
    checkUndoing(this.#versions, this.history);
    const { state } = this;
    for (const { addressed } of [...this.#delivered]) this.deliver([addressed]);
    holds(this.state === state, 'a terminal instance stays as it is');
  }

  #step(state: InstanceState, batch: readonly AddressedNotification[]): StepResult {
    return step(this.#definitionOf(state), state, batch, this.now, this.#limits, this.#versions);
  }

  #take(result: StepResult): void {
    const before = this.state;
    this.state = result.state;
    this.history.push(...result.history);
    this.#keep(result, before);
  }

  #keep(result: StepResult, before: InstanceState | null): void {
    this.steps.push({ before, result });
    this.#stored.add(result.history);
    this.#outside.carryOut(result.effects, result.state);
    checkStep(this.#definitionOf(result.state), this.#outside, result, before);
  }

  /** What has been delivered changes nothing when it comes again. */
  #checkRepeat(batch: readonly AddressedNotification[]): void {
    const counted = batch.filter((addressed) => this.#counts(addressed));
    const repeated = this.#step(this.state, counted);
    same(repeated.history, [], 'a repeated notification changes nothing');
    for (const addressed of counted.filter((each) => !this.#wasRefused(each))) {
      const { effects } = this.#step(this.state, [addressed]);
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
      const single = this.#step(state, [addressed]);
      state = single.state;
      history.push(...single.history);
    }
    same(history, whole.history, 'a batch decides what its notifications decide one by one');
    same(state, whole.state, 'a batch leads where its notifications lead one by one');
  }
}
