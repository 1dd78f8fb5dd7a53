/**
 * Applies notifications to instances: states from the cache or the database, the core's decision, one transaction for the batch. A
 * batch that loses the version check is decided again on the new state. A batch that cannot be applied as a whole is applied one
 * notification at a time (`one-by-one.ts`), so that other instances go on. Relies on one batch of a partition at a time.
 */
import type { Definition } from '../../core/definition/types.ts';
import type { EpochMs } from '../../core/ids.ts';
import { type AddressedNotification, isForChild } from '../../core/instance/decide/notification.ts';
import { step } from '../../core/instance/index.ts';
import { ScopesNeeded } from '../../core/instance/state/scopes.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { StoredInstance } from '../../store/instance-store.ts';
import { continuedOf } from '../continuation/continued.ts';
import { heldRejection, holdOf, portionOf } from '../continuation/hold.ts';
import { isCausedByOneMessage } from '../error-scope.ts';
import { transitionOf } from '../transition.ts';
import { decideLoading } from './decide-loading.ts';
import type { Decision, InstanceBatch, OnSeen, Unprocessable } from './decision.ts';
import type { ProcessingDependencies } from './dependencies.ts';
import { assertFits, INSTANCE_BYTES_MAX } from './instance-size.ts';
import { type LoadedStates, loadStates } from './load-states.ts';
import { LoopTurns } from './loop-turns.ts';
import { applyOneByOne } from './one-by-one.ts';
import type { StateCache } from './state-cache.ts';
import { ATTEMPTS_MAX, versionConflict } from './version-conflict.ts';
import { wantedScopes } from './wanted-scopes.ts';
import { writeDecisions } from './write-decisions.ts';

export class InstanceProcessor<N extends AddressedNotification> {
  readonly #dependencies: ProcessingDependencies<N>;

  constructor(dependencies: ProcessingDependencies<N>) {
    this.#dependencies = dependencies;
  }

  /**
   * Throws a retryable MillraceError with nothing, or a part, of it written: all of it may come again.
   * @param batches at most one of each instance, all of this partition.
   * @param onSeen told last of what stands.
   * @returns what can never be processed.
   */
  async process(
    partition: number,
    batches: readonly InstanceBatch<N>[],
    cache: StateCache,
    onSeen: OnSeen = () => undefined,
  ): Promise<readonly Unprocessable<N>[]> {
    const { store, now, observer } = this.#dependencies;
    const unprocessable: Unprocessable<N>[] = [];
    let pending = batches;
    for (let attempt = 1; pending.length > 0; ) {
      if (attempt > ATTEMPTS_MAX) throw versionConflict();
      const loaded = await loadStates(store, partition, pending, cache, now);
      observer.onStatesRead(loaded.hits, loaded.misses);
      await this.#readDefinitions(loaded);
      const { decisions, undecided, unknown, moved } = await this.#decideAll(partition, pending, loaded);
      const { applied, lost, refused } = await writeDecisions(store, partition, decisions, observer);
      for (const decision of applied) this.#settle(decidedOf(decision), cache, onSeen);
      const again = [...lost, ...moved];
      for (const { instanceId } of again) cache.drop(instanceId);
      if (again.length > 0) observer.onConflicts(again.length);
      const born = unknown.length === 0 ? nobody : await this.#dependencies.births.bear(partition, unknown);
      for (const one of born.applied) observer.onBorn(one);
      unprocessable.push(...this.#unknown(born.unknown));
      for (const batch of [...undecided, ...refused]) unprocessable.push(...(await this.#isolate(partition, batch, cache, onSeen)));
      // Notifications that a step left are no conflict, so they do not count as an attempt: each step brings them nearer to the end.
      if (again.length > 0) attempt++;
      pending = [...again, ...born.again, ...applied.flatMap(leftOf)];
    }
    return unprocessable;
  }

  /** Afterwards `peek` gives every definition that can be read. */
  async #readDefinitions({ states }: LoadedStates): Promise<void> {
    const { definitions } = this.#dependencies;
    for (const { state } of states.values()) {
      if (definitions.peek(state.definitionId, state.definitionVersion) !== undefined) continue;
      try {
        await definitions.get(state.definitionId, state.definitionVersion);
      } catch (error) {
        // A definition that cannot be read concerns only its own instances, which are processed one by one.
        if (!isCausedByOneMessage(error)) throw error;
      }
    }
  }

  async #decideAll(partition: number, batches: readonly InstanceBatch<N>[], { states }: LoadedStates) {
    const decisions: Decision<N>[] = [];
    const undecided: InstanceBatch<N>[] = [];
    const unknown: InstanceBatch<N>[] = [];
    /** Somebody else wrote the instance while its scopes were read. */
    const moved: InstanceBatch<N>[] = [];
    const now = this.#dependencies.now();
    const turns = new LoopTurns();
    const decided = await Promise.all(
      batches.map(async (batch) => {
        await turns.take();
        return await this.#decide(partition, batch, states.get(batch.instanceId), now);
      }),
    );
    for (const [index, batch] of batches.entries()) {
      const decision = decided[index] ?? 'undecided';
      if (decision === 'unknown') unknown.push(batch);
      else if (decision === 'moved') moved.push(batch);
      else if (decision === 'undecided') undecided.push(batch);
      else decisions.push(decision);
    }
    return { decisions, undecided, unknown, moved };
  }

  /** @returns `undecided` when it cannot be decided: it is tried again alone, and what it throws there is logged. */
  async #decide(
    partition: number,
    batch: InstanceBatch<N>,
    stored: StoredInstance | undefined,
    now: EpochMs,
  ): Promise<Decision<N> | 'unknown' | 'moved' | 'undecided'> {
    if (stored === undefined) return 'unknown';
    const { definitions, store } = this.#dependencies;
    const { instanceId, notifications } = batch;
    const definition = definitions.peek(stored.state.definitionId, stored.state.definitionVersion);
    if (definition === undefined) return 'undecided';
    const decided = await decideLoading(
      stored,
      wantedScopes(notifications),
      (on) => this.#attempt(() => this.#decideOn(partition, batch, on, definition, now)),
      (version, needed) => store.loadScopes(partition, instanceId, version, needed),
    );
    return decided === null ? 'moved' : decided.decision;
  }

  #attempt(decide: () => Decision<N>): Decision<N> | 'undecided' {
    try {
      return decide();
    } catch (error) {
      if (error instanceof ScopesNeeded) throw error;
      return 'undecided';
    }
  }

  #decideOn(partition: number, batch: InstanceBatch<N>, on: StoredInstance, definition: Definition, now: EpochMs): Decision<N> {
    const { limits, continuation = false } = this.#dependencies;
    const { notifications } = batch;
    if (!continuation && on.held === undefined)
      return this.#decisionOf(partition, batch, on, step(definition, on.state, notifications, now, limits));
    const { refused, decided, left } = portionOf(notifications, on.held);
    const result = step(definition, on.state, decided, now, limits);
    const rejected = [...refused.map((notification) => ({ notification, rejection: heldRejection })), ...result.rejected];
    return this.#decisionOf(partition, batch, on, { ...result, rejected, left: [...result.left, ...left] });
  }

  /** An end that finds no parent has nobody to tell, and a retry that finds no child has nothing to retry. */
  #unknown(notifications: readonly N[]): readonly Unprocessable<N>[] {
    const isDropped = ({ notification }: N) => notification.type === 'ChildEnd' || isForChild(notification);
    for (const dropped of notifications.filter(isDropped)) this.#dependencies.observer.onDropped(dropped);
    return notifications.filter((one) => !isDropped(one)).map(ofUnknownInstance);
  }

  #decisionOf(partition: number, batch: InstanceBatch<N>, stored: StoredInstance, result: StepResult): Decision<N> {
    const { outgoing, definitions, limits, continuation = false } = this.#dependencies;
    assertFits(result, limits.instanceBytes ?? INSTANCE_BYTES_MAX);
    const continued = continuedOf(continuation, definitions, stored.state);
    const decided = batch.notifications.slice(0, batch.notifications.length - result.left.length);
    const { effects, held, misfits } = holdOf(stored, decided, result, continued !== undefined);
    const changesNothing = result.history.length === 0 && effects.length === 0;
    const transition = changesNothing ? null : transitionOf(outgoing, partition, stored, { ...result, effects }, { continued, held });
    const after = held === undefined ? stored.held : held;
    const isNewlyHeld = held !== undefined && held !== null;
    return {
      ...batch,
      stored,
      result,
      transition,
      isNewlyHeld,
      misfits,
      ...(after === undefined || after === null ? {} : { held: after }),
    };
  }

  #settle(decision: Decision<N>, cache: StateCache, onSeen: OnSeen): void {
    const { instanceId, stored, result, held } = decision;
    const after = { state: result.state, version: stored.version + 1, ...(held === undefined ? {} : { held }) };
    cache.set(instanceId, result.history.length === 0 ? stored : after);
    onSeen(instanceId, held);
    this.#dependencies.observer.onProcessed(decision);
  }

  async #isolate(partition: number, batch: InstanceBatch<N>, cache: StateCache, onSeen: OnSeen): Promise<readonly Unprocessable<N>[]> {
    const { store } = this.#dependencies;
    const { instanceId } = batch;
    return await applyOneByOne(batch, {
      ...this.#dependencies,
      load: async () => {
        cache.drop(instanceId);
        const stored = (await store.load(partition, [{ instanceId, scopes: 'all' }])).get(instanceId);
        if (stored === undefined) throw new Error('Bug: an instance is gone');
        onSeen(instanceId, stored.held);
        return stored;
      },
      write: async (one, stored, result) => {
        const decision = this.#decisionOf(partition, { instanceId, notifications: [one] }, stored, result);
        const { transition } = decision;
        const isWritten = transition === null || (await store.apply(partition, [transition])).applied.has(instanceId);
        if (isWritten) this.#settle(decision, cache, onSeen);
        return isWritten;
      },
    });
  }
}

function countDecided<N extends AddressedNotification>({ notifications, result }: Decision<N>): number {
  return notifications.length - result.left.length;
}

function decidedOf<N extends AddressedNotification>(decision: Decision<N>): Decision<N> {
  return { ...decision, notifications: decision.notifications.slice(0, countDecided(decision)) };
}

function leftOf<N extends AddressedNotification>(decision: Decision<N>): readonly InstanceBatch<N>[] {
  if (decision.result.left.length === 0) return [];
  return [{ instanceId: decision.instanceId, notifications: decision.notifications.slice(countDecided(decision)) }];
}

const nobody = { applied: [], again: [], unknown: [] } as const;

function ofUnknownInstance<N extends AddressedNotification>(notification: N): Unprocessable<N> {
  return { notification, code: 'MR_INSTANCE_UNKNOWN', reason: 'there is no such instance' };
}
