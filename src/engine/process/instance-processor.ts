/**
 * Applies notifications to instances: states from the cache or the database, the core's decision, one transaction for the
 * batch. Whoever loses the version check decides again on what stands there now. A batch that cannot be applied as a whole
 * is gone through one by one (`one-by-one.ts`), so that the other instances go on. Relies on one batch of a partition at a time.
 */
import type { EpochMs } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { step } from '../../core/instance/index.ts';
import { ScopesNeeded, withScopes } from '../../core/instance/state/scopes.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { StoredInstance } from '../../store/instance-store.ts';
import { isCausedByOneMessage } from '../error-scope.ts';
import { transitionOf } from '../transition.ts';
import type { Decision, InstanceBatch, Unprocessable } from './decision.ts';
import type { ProcessingDependencies } from './dependencies.ts';
import { type LoadedStates, loadStates } from './load-states.ts';
import { applyOneByOne } from './one-by-one.ts';
import type { StateCache } from './state-cache.ts';
import { ATTEMPTS_MAX, versionConflict } from './version-conflict.ts';
import { writeDecisions } from './write-decisions.ts';

export class InstanceProcessor<N extends AddressedNotification> {
  readonly #dependencies: ProcessingDependencies<N>;

  constructor(dependencies: ProcessingDependencies<N>) {
    this.#dependencies = dependencies;
  }

  /**
   * Throws a retryable MillraceError with nothing, or a part, of it written: all of it may come again.
   * @param batches at most one of each instance, all of this partition.
   * @returns what can never be processed.
   */
  async process(partition: number, batches: readonly InstanceBatch<N>[], cache: StateCache): Promise<readonly Unprocessable<N>[]> {
    const { store, now, observer } = this.#dependencies;
    const unprocessable: Unprocessable<N>[] = [];
    let pending = batches;
    for (let attempt = 1; pending.length > 0; attempt++) {
      if (attempt > ATTEMPTS_MAX) throw versionConflict();
      const loaded = await loadStates(store, partition, pending, cache, now);
      observer.onStatesRead(loaded.hits, loaded.misses);
      await this.#readDefinitions(loaded);
      const { decisions, undecided, unknown, moved } = await this.#decideAll(partition, pending, loaded);
      const { applied, lost, refused } = await writeDecisions(store, partition, decisions, observer);
      for (const decision of applied) this.#settle(decision, cache);
      const again = [...lost, ...moved];
      for (const { instanceId } of again) cache.drop(instanceId);
      if (again.length > 0) observer.onConflicts(again.length);
      unprocessable.push(...unknown);
      for (const batch of [...undecided, ...refused]) unprocessable.push(...(await this.#isolate(partition, batch, cache)));
      pending = again;
    }
    return unprocessable;
  }

  /** Afterwards `peek` knows all that can be read. */
  async #readDefinitions({ states }: LoadedStates): Promise<void> {
    const { definitions } = this.#dependencies;
    for (const { state } of states.values()) {
      if (definitions.peek(state.definitionId, state.definitionVersion) !== undefined) continue;
      try {
        await definitions.get(state.definitionId, state.definitionVersion);
      } catch (error) {
        // One that cannot be read concerns its own instances, which are looked at alone.
        if (!isCausedByOneMessage(error)) throw error;
      }
    }
  }

  async #decideAll(partition: number, batches: readonly InstanceBatch<N>[], { states }: LoadedStates) {
    const decisions: Decision<N>[] = [];
    const undecided: InstanceBatch<N>[] = [];
    const unknown: Unprocessable<N>[] = [];
    /** Somebody else wrote the instance while its scopes were read. */
    const moved: InstanceBatch<N>[] = [];
    const now = this.#dependencies.now();
    for (const batch of batches) {
      let stored = states.get(batch.instanceId);
      if (stored === undefined) {
        unknown.push(...batch.notifications.map(ofUnknownInstance));
        continue;
      }
      let decision = this.#decide(partition, batch, stored, now);
      while (decision instanceof ScopesNeeded) {
        const needed: ScopesNeeded = decision;
        const loaded = await this.#dependencies.store.loadScopes(partition, batch.instanceId, stored.version, needed);
        if (loaded === null) break;
        stored = { ...stored, state: withScopes(stored.state, needed, loaded) };
        decision = this.#decide(partition, batch, stored, now);
      }
      if (decision instanceof ScopesNeeded) moved.push(batch);
      else if (decision === null) undecided.push(batch);
      else decisions.push(decision);
    }
    return { decisions, undecided, unknown, moved };
  }

  /** @returns null when it cannot be decided: it is tried again alone, and what it throws there is logged. */
  #decide(partition: number, batch: InstanceBatch<N>, stored: StoredInstance, now: EpochMs): Decision<N> | ScopesNeeded | null {
    const { definitions, limits } = this.#dependencies;
    const definition = definitions.peek(stored.state.definitionId, stored.state.definitionVersion);
    if (definition === undefined) return null;
    try {
      return this.#decisionOf(partition, batch, stored, step(definition, stored.state, batch.notifications, now, limits));
    } catch (error) {
      return error instanceof ScopesNeeded ? error : null;
    }
  }

  #decisionOf(partition: number, batch: InstanceBatch<N>, stored: StoredInstance, result: StepResult): Decision<N> {
    const changesNothing = result.history.length === 0 && result.effects.length === 0;
    const transition = changesNothing ? null : transitionOf(this.#dependencies.outgoing, partition, stored, result);
    return { ...batch, stored, result, transition };
  }

  #settle(decision: Decision<N>, cache: StateCache): void {
    const { instanceId, stored, result } = decision;
    cache.set(instanceId, result.history.length === 0 ? stored : { state: result.state, version: stored.version + 1 });
    this.#dependencies.observer.onProcessed(decision);
  }

  async #isolate(partition: number, batch: InstanceBatch<N>, cache: StateCache): Promise<readonly Unprocessable<N>[]> {
    const { store } = this.#dependencies;
    const { instanceId } = batch;
    return await applyOneByOne(batch, {
      ...this.#dependencies,
      load: async () => {
        cache.drop(instanceId);
        const stored = (await store.load(partition, [{ instanceId, scopes: 'all' }])).get(instanceId);
        if (stored === undefined) throw new Error('Bug: an instance is gone');
        return stored;
      },
      write: async (one, stored, result) => {
        const decision = this.#decisionOf(partition, { instanceId, notifications: [one] }, stored, result);
        const { transition } = decision;
        const isWritten = transition === null || (await store.apply(partition, [transition])).applied.has(instanceId);
        if (isWritten) this.#settle(decision, cache);
        return isWritten;
      },
    });
  }
}

function ofUnknownInstance<N extends AddressedNotification>(notification: N): Unprocessable<N> {
  return { notification, code: 'MR_INSTANCE_UNKNOWN', reason: 'there is no such instance' };
}
