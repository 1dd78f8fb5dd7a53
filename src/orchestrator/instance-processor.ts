/**
 * Moves instances on: state from the cache or the database, the core's decision, one transaction for the batch. Who loses
 * the version check is decided again on what stands there now. What one instance can never get through is found, alone,
 * and taken out of the way, so that the others go on (docs/decisions/0010). Relies on one batch of a partition at a time.
 */

import { handleWhenResult, IterableBackoff, retry } from 'cockatiel';
import type { Definition } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { EpochMs, InstanceId } from '../core/ids.ts';
import { type RunLimits, step } from '../core/instance/index.ts';
import type { Notification } from '../core/instance/notification.ts';
import type { TaskError } from '../core/instance/state.ts';
import type { StepResult } from '../core/instance/step.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { Logger } from '../service/logging.ts';
import type { InstanceStore, StoredInstance, Transition } from '../store/instance-store.ts';
import type { SetAside } from './dead-letter-sink.ts';
import type { ReadyDefinitions } from './definitions.ts';
import { concernsOne } from './isolation.ts';
import type { OrchestratorMetrics } from './orchestrator-metrics.ts';
import type { Received } from './read-notification.ts';
import type { StateCache } from './state-cache.ts';

export type InstanceProcessorOptions = {
  readonly store: Pick<InstanceStore, 'load' | 'apply'>;
  readonly definitions: ReadyDefinitions;
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects'>;
  readonly limits: RunLimits;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
  readonly log: Logger;
  readonly metrics: OrchestratorMetrics;
};

/** What came for one instance, in its order. */
export type InstanceBatch = { readonly instanceId: InstanceId; readonly received: readonly Received[] };

/** A case that was decided on a state; `transition` is null when nothing has to be written. */
type Decided = InstanceBatch & { readonly stored: StoredInstance; readonly result: StepResult; readonly transition: Transition | null };

/** What became of the batches of a attempt. */
type BatchAttempt = { readonly applied: Decided[]; readonly lost: Decided[]; readonly failed: InstanceBatch[] };

/** More lost version checks in a row than two owners of a partition can bring about: then a breath is due. */
const ATTEMPTS_MAX = 5;

export class InstanceProcessor {
  readonly #options: InstanceProcessorOptions;

  constructor(options: InstanceProcessorOptions) {
    this.#options = options;
  }

  /**
   * Applies what came. Throws a retryable MillraceError with nothing, or a part, of it written: all of it may come again.
   * @param batches at most one of each instance, all of this partition.
   * @returns what can never be processed.
   */
  async process(partition: number, batches: readonly InstanceBatch[], cache: StateCache): Promise<readonly SetAside[]> {
    const letters: SetAside[] = [];
    let pending = batches;
    for (let attempt = 1; pending.length > 0; attempt++) {
      if (attempt > ATTEMPTS_MAX) throw conflict();
      pending = await this.#attempt(partition, pending, cache, letters);
    }
    return letters;
  }

  /** @returns the batches that lost the version check. */
  async #attempt(
    partition: number,
    batches: readonly InstanceBatch[],
    cache: StateCache,
    letters: SetAside[],
  ): Promise<readonly InstanceBatch[]> {
    const { metrics } = this.#options;
    const states = await this.#states(partition, batches, cache);
    await this.#readyDefinitions(states);
    const attempt: BatchAttempt = { applied: [], lost: [], failed: [] };
    const writing: Decided[] = [];
    const now = this.#options.now();
    for (const each of batches) {
      const stored = states.get(each.instanceId);
      if (stored === undefined) {
        letters.push(...each.received.map(unknownInstance));
        continue;
      }
      const decided = this.#decide(partition, each, stored, now);
      if (decided === null) attempt.failed.push(each);
      else if (decided.transition === null) attempt.applied.push(decided);
      else writing.push(decided);
    }
    await this.#write(partition, writing, attempt);
    for (const decided of attempt.applied) this.#settle(decided, cache);
    for (const { instanceId } of attempt.lost) cache.drop(instanceId);
    if (attempt.lost.length > 0) metrics.conflicts(attempt.lost.length);
    for (const each of attempt.failed) letters.push(...(await this.#processOneByOne(partition, each, cache)));
    return attempt.lost;
  }

  async #states(partition: number, batches: readonly InstanceBatch[], cache: StateCache): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
    const states = new Map<InstanceId, StoredInstance>();
    const missing: InstanceId[] = [];
    for (const { instanceId } of batches) {
      const cached = cache.get(instanceId);
      if (cached === undefined) missing.push(instanceId);
      else states.set(instanceId, cached);
    }
    this.#options.metrics.cache(states.size, missing.length);
    if (missing.length > 0) await this.#load(partition, missing, states);
    return states;
  }

  /**
   * Postgres sends a commit to Debezium before it shows it to other sessions, so an outcome can overtake the start of its
   * own instance: a young one that is not there is looked for again before it counts as unknown.
   */
  async #load(partition: number, ids: readonly InstanceId[], states: Map<InstanceId, StoredInstance>): Promise<void> {
    const load = async (): Promise<boolean> => {
      const wanted = ids.filter((id) => !states.has(id));
      for (const [id, loaded] of await this.#options.store.load(partition, wanted)) states.set(id, loaded);
      return ids.some((id) => !states.has(id) && isYoung(id, this.#options.now()));
    };
    if (await load()) await untilVisible.execute(load);
  }

  /** Afterwards `peek` knows all that can be read. */
  async #readyDefinitions(states: ReadonlyMap<InstanceId, StoredInstance>): Promise<void> {
    const { definitions } = this.#options;
    for (const { state } of states.values()) {
      if (definitions.peek(state.definitionId, state.definitionVersion) !== undefined) continue;
      try {
        await definitions.get(state.definitionId, state.definitionVersion);
      } catch (error) {
        // One that cannot be read concerns its own instances, which are looked at alone.
        if (!concernsOne(error)) throw error;
      }
    }
  }

  /** @returns null when it cannot be decided in passing. */
  #decide(partition: number, each: InstanceBatch, stored: StoredInstance, now: EpochMs): Decided | null {
    const { definitionId, definitionVersion } = stored.state;
    const definition = this.#options.definitions.peek(definitionId, definitionVersion);
    if (definition === undefined) return null;
    try {
      return this.#decided(partition, each, stored, step(definition, stored.state, each.received, now, this.#options.limits));
    } catch {
      // Not lost: it is tried again alone, and what it throws there is logged.
      return null;
    }
  }

  #decided(partition: number, { instanceId, received }: InstanceBatch, stored: StoredInstance, result: StepResult): Decided {
    const { state: after, history, effects } = result;
    if (history.length === 0 && effects.length === 0) return { instanceId, received, stored, result, transition: null };
    const messages = this.#options.outgoing.ofEffects(after, effects);
    const { state: before, version: expectedVersion } = stored;
    const transition: Transition = { instanceId, partition, before, expectedVersion, after, history, effects, messages };
    return { instanceId, received, stored, result, transition };
  }

  /** One transaction; halved and halved again when the database refuses it, until what it refuses stands alone. */
  async #write(partition: number, writing: readonly Decided[], attempt: BatchAttempt): Promise<void> {
    const transitions = writing.flatMap(({ transition }) => (transition === null ? [] : [transition]));
    if (transitions.length === 0) return;
    const { store, metrics, log } = this.#options;
    const began = performance.now();
    try {
      const { applied } = await store.apply(partition, transitions);
      metrics.transaction(performance.now() - began);
      for (const decided of writing) (applied.has(decided.instanceId) ? attempt.applied : attempt.lost).push(decided);
    } catch (error) {
      if (!concernsOne(error)) throw error;
      log.debug({ err: error, partition, instances: writing.length }, 'The database refuses a batch');
      if (writing.length === 1) attempt.failed.push(...writing);
      else {
        const middle = writing.length >> 1;
        await this.#write(partition, writing.slice(0, middle), attempt);
        await this.#write(partition, writing.slice(middle), attempt);
      }
    }
  }

  #settle({ received, stored, result }: Decided, cache: StateCache): void {
    const { state, history, rejected } = result;
    const { metrics, log } = this.#options;
    cache.set(state.instanceId, history.length === 0 ? stored : { state, version: stored.version + 1 });
    for (const { notification, rejection } of rejected) {
      metrics.rejected(rejection.code);
      metrics.notified(notification.notification.type, 'rejected');
      log.debug({ instanceId: state.instanceId, cause: notification.cause, ...rejection }, 'A notification changed nothing');
    }
    const refused = rejected.length === 0 ? null : new Set(rejected.map(({ notification }) => notification));
    const at = Date.now();
    for (const one of received) {
      if (refused?.has(one) !== true) metrics.notified(one.notification.type, 'applied');
      metrics.latency(at - one.record.timestamp);
    }
  }

  /** One notification after the other, each on what stands in the database, until the one is found that cannot be applied. */
  async #processOneByOne(partition: number, { instanceId, received }: InstanceBatch, cache: StateCache): Promise<readonly SetAside[]> {
    const letters: SetAside[] = [];
    for (const one of received) {
      cache.drop(instanceId);
      const error = await this.#applyOne(partition, one, cache, (definition, { state }) =>
        step(definition, state, [one], this.#options.now(), this.#options.limits),
      );
      if (error === null) continue;
      this.#options.log.error(
        { err: error, instanceId, cause: one.cause, type: one.notification.type },
        'A notification cannot be applied',
      );
      if (await this.#applyRefusal(partition, one, failureOf(error), cache)) continue;
      this.#options.metrics.notified(one.notification.type, 'setAside');
      const { code, message } = failureOf(error);
      letters.push({
        record: one.record,
        instanceId,
        code: 'MR_STEP_FAILED',
        reason: code === 'MR_STEP_FAILED' ? message : `${code}: ${message}`,
      });
    }
    return letters;
  }

  /** The person or the task hears why, where there is one to hear it. @returns false when that does not work either. */
  async #applyRefusal(partition: number, one: Received, failure: TaskError, cache: StateCache): Promise<boolean> {
    const { notification, instanceId } = one;
    if (notification.type === 'CommandIssued') {
      // Nobody asks for the result of what the engine itself sent.
      if (notification.command.type === 'redispatch') return false;
      const { code, message: reason } = failure;
      const { commandId } = notification;
      const refused = { type: 'commandRefused', commandId, code, reason } as const;
      const error = await this.#applyOne(partition, one, cache, (_, { state }) => ({
        state,
        history: [],
        effects: [refused],
        rejected: [],
      }));
      return error === null;
    }
    if (notification.type !== 'TaskOutcome') return false;
    const failed: Notification = { ...notification, result: { status: 'failed', error: failure, retryable: false, retryAfterMs: null } };
    const error = await this.#applyOne(partition, one, cache, (definition, { state }) =>
      step(definition, state, [{ instanceId, cause: one.cause, notification: failed }], this.#options.now(), this.#options.limits),
    );
    return error === null;
  }

  /** @returns why it can never be applied, or null when it was, or was rejected. Throws as `move`. */
  async #applyOne(
    partition: number,
    one: Received,
    cache: StateCache,
    decide: (definition: Definition, stored: StoredInstance) => StepResult,
  ): Promise<unknown> {
    const { store, definitions } = this.#options;
    const { instanceId } = one;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      // Not part of the trial: that this fails is never the message's fault.
      const stored = (await store.load(partition, [instanceId])).get(instanceId);
      if (stored === undefined) throw new Error('Bug: an instance is gone');
      try {
        const definition = await definitions.get(stored.state.definitionId, stored.state.definitionVersion);
        const decided = this.#decided(partition, { instanceId, received: [one] }, stored, decide(definition, stored));
        const written = decided.transition === null || (await store.apply(partition, [decided.transition])).applied.has(instanceId);
        if (!written) continue;
        this.#settle(decided, cache);
        return null;
      } catch (error) {
        if (!concernsOne(error)) throw error;
        return error;
      }
    }
    throw conflict();
  }
}

/** About 5 s in all: a session shows its commit within microseconds, unless its machine gives it no time. */
const untilVisible = retry(
  handleWhenResult((isMissing) => isMissing === true),
  { maxAttempts: 10, backoff: new IterableBackoff([5, 10, 20, 50, 100, 200, 400, 800, 1_600, 1_600]) },
);

/** Clocks of API processes may be wrong by as much. */
const YOUNG_MS = 2 * 3_600_000;

/** Whether a start of this id may have been committed just now: a UUIDv7 begins with the ms of its making. */
function isYoung(instanceId: InstanceId, now: EpochMs): boolean {
  return Math.abs(now - Number.parseInt(instanceId.slice(0, 8) + instanceId.slice(9, 13), 16)) < YOUNG_MS;
}

function unknownInstance({ record, instanceId }: Received): SetAside {
  return { record, instanceId, code: 'MR_INSTANCE_UNKNOWN', reason: 'there is no such instance' };
}

function conflict(): MillraceError {
  return new MillraceError('MR_VERSION_CONFLICT', 'Somebody else writes the same instances.', { retryable: true });
}

/** For the instance's history and for people: the texts of bugs stay in the log, since they may quote data. */
function failureOf(error: unknown): TaskError {
  if (error instanceof MillraceError) return { code: error.code, message: error.message };
  return { code: 'MR_STEP_FAILED', message: 'The engine failed at the step that follows. Its log says why.' };
}
