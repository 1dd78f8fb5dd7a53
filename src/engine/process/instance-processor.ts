/**
 * Applies notifications to instances: states from the cache or the database, the core's decision, one transaction for the batch. A
 * batch that loses the version check is decided again on the new state. A batch that cannot be applied as a whole is applied one
 * notification at a time (`one-by-one.ts`), so that other instances go on. Relies on one batch of a partition at a time.
 */
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import { type AddressedNotification, isForChild } from '../../core/instance/decide/notification.ts';
import { stepInParts } from '../../core/instance/index.ts';
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import { ScopesNeeded } from '../../core/instance/state/scopes.ts';
import { hasEnded } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { Versions } from '../../core/instance/view.ts';
import type { InParts } from '../../core/parts.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { StoredInstance } from '../../store/instance-store.ts';
import { LoopTurns } from '../../store/loop-turns.ts';
import { continuedOf } from '../continuation/continued.ts';
import { heldChange, heldRejection, holdOf, portionOf } from '../continuation/hold.ts';
import { directTasks } from '../direct/direct-dispatch.ts';
import { isCausedByOneMessage } from '../error-scope.ts';
import { continuationWith, transitionInParts } from '../transition.ts';
import { decideLoading } from './decide-loading.ts';
import type { Attending, Decision, InstanceBatch, Unprocessable } from './decision.ts';
import type { ProcessingDependencies } from './dependencies.ts';
import { assertFits, INSTANCE_BYTES_MAX } from './instance-size.ts';
import { type LoadedStates, loadStates } from './load-states.ts';
import { applyOneByOne } from './one-by-one.ts';
import type { StateCache } from './state-cache.ts';
import { targetVersions, wantedVersions } from './target-versions.ts';
import { ATTEMPTS_MAX, versionConflict } from './version-conflict.ts';
import { wantedScopes } from './wanted-scopes.ts';
import { writeDecisions } from './write-decisions.ts';

type Targets = ReadonlyMap<InstanceId, Versions>;

type DecideInParts = (notifications: readonly AddressedNotification[]) => InParts<StepResult>;

type Deciding = {
  readonly now: EpochMs;
  readonly versions: Versions | undefined;
  readonly attending: Attending;
  readonly turns: LoopTurns;
};

const unattended: Attending = { onSeen: () => undefined, direct: null };

export class InstanceProcessor<N extends AddressedNotification> {
  readonly #dependencies: ProcessingDependencies<N>;

  constructor(dependencies: ProcessingDependencies<N>) {
    this.#dependencies = dependencies;
  }

  /**
   * Throws a retryable MillraceError with nothing, or a part, of it written: all of it may come again.
   * @param batches at most one of each instance, all of this partition.
   * @param attending its `onSeen` is told last of what stands.
   * @returns what can never be processed.
   */
  async process(
    partition: number,
    batches: readonly InstanceBatch<N>[],
    cache: StateCache,
    attending: Attending = unattended,
  ): Promise<readonly Unprocessable<N>[]> {
    const { store, now, observer } = this.#dependencies;
    const unprocessable: Unprocessable<N>[] = [];
    let pending = batches;
    for (let attempt = 1; pending.length > 0; ) {
      if (attempt > ATTEMPTS_MAX) throw versionConflict();
      const loaded = await loadStates(store, partition, pending, cache, now);
      observer.onStatesRead(loaded.hits, loaded.misses);
      await this.#readDefinitions(loaded);
      const targets = await this.#readTargets(loaded, pending);
      const { decisions, undecided, unknown, moved } = await this.#decideAll(partition, pending, loaded, targets, attending);
      const { applied, lost, refused } = await writeDecisions(store, partition, decisions, observer);
      this.#settle(applied.map(decidedOf), cache, attending);
      const again = [...lost, ...moved];
      for (const { instanceId } of again) cache.drop(instanceId);
      if (again.length > 0) observer.onConflicts(again.length);
      const born = unknown.length === 0 ? nobody : await this.#dependencies.births.bear(partition, unknown, attending);
      for (const one of born.applied) observer.onBorn(one);
      unprocessable.push(...this.#unknown(born.unknown));
      for (const batch of [...undecided, ...refused]) unprocessable.push(...(await this.#isolate(partition, batch, cache, attending)));
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

  /** By instance. */
  async #readTargets({ states }: LoadedStates, batches: readonly InstanceBatch<N>[]): Promise<Targets> {
    const targets = new Map<InstanceId, Versions>();
    for (const { instanceId, notifications } of batches) {
      const wanted = wantedVersions(notifications);
      const stored = states.get(instanceId);
      if (wanted.size === 0 || stored === undefined) continue;
      targets.set(instanceId, await targetVersions(this.#dependencies.definitions, stored.state, wanted));
    }
    return targets;
  }

  async #decideAll(
    partition: number,
    batches: readonly InstanceBatch<N>[],
    { states }: LoadedStates,
    targets: Targets,
    attending: Attending,
  ) {
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
        const { instanceId } = batch;
        return await this.#decide(partition, batch, states.get(instanceId), { now, versions: targets.get(instanceId), attending, turns });
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
    { now, versions, attending, turns }: Deciding,
  ): Promise<Decision<N> | 'unknown' | 'moved' | 'undecided'> {
    if (stored === undefined) return 'unknown';
    const { definitions, store, limits } = this.#dependencies;
    const { instanceId, notifications } = batch;
    const definition = definitions.peek(stored.state.definitionId, stored.state.definitionVersion);
    if (definition === undefined) return 'undecided';
    const decided = await decideLoading(
      stored,
      wantedScopes(notifications),
      (on) =>
        this.#attempt(() => {
          const decide: DecideInParts = (some) => stepInParts(definition, on.state, some, now, limits, versions);
          return inTurns(this.#decideOn(partition, batch, on, attending, decide));
        }),
      async (version, needed) => {
        const scopes = await store.loadScopes(partition, instanceId, version, needed);
        await turns.take();
        return scopes;
      },
    );
    return decided === null ? 'moved' : decided.decision;
  }

  #attempt(decide: () => Decision<N> | Promise<Decision<N>>): Decision<N> | 'undecided' | Promise<Decision<N> | 'undecided'> {
    try {
      const decided = decide();
      return decided instanceof Promise ? decided.catch(undecidedUnlessScopes) : decided;
    } catch (error) {
      return undecidedUnlessScopes(error);
    }
  }

  *#decideOn(
    partition: number,
    batch: InstanceBatch<N>,
    on: StoredInstance,
    attending: Attending,
    decide: DecideInParts,
  ): InParts<Decision<N>> {
    const result = yield* this.#resultOn(batch, on, attending, decide);
    return yield* this.#decisionOf(partition, batch, on, result, attending);
  }

  *#resultOn({ notifications }: InstanceBatch<N>, on: StoredInstance, { direct }: Attending, decide: DecideInParts): InParts<StepResult> {
    if (this.#dependencies.continuation !== true && direct === null && on.held === undefined) return yield* decide(notifications);
    const { refused, decided, left } = portionOf(notifications, on.held);
    const result = yield* decide(decided);
    const rejected = [...refused.map((notification) => ({ notification, rejection: heldRejection })), ...result.rejected];
    return { ...result, rejected, left: [...result.left, ...left] };
  }

  /** An end that finds no parent has nobody to tell, and a retry that finds no child has nothing to retry. */
  #unknown(notifications: readonly N[]): readonly Unprocessable<N>[] {
    const isDropped = ({ notification }: N) => notification.type === 'ChildEnd' || isForChild(notification);
    for (const dropped of notifications.filter(isDropped)) this.#dependencies.observer.onDropped(dropped);
    return notifications.filter((one) => !isDropped(one)).map(ofUnknownInstance);
  }

  *#decisionOf(
    partition: number,
    batch: InstanceBatch<N>,
    stored: StoredInstance,
    result: StepResult,
    { direct }: Attending,
  ): InParts<Decision<N>> {
    const { outgoing, definitions, limits, continuation = false, tellsEnds = false } = this.#dependencies;
    assertFits(result, limits.instanceBytes ?? INSTANCE_BYTES_MAX);
    const continued = continuedOf(continuation, definitions, result.state);
    const decided = batch.notifications.slice(0, batch.notifications.length - result.left.length);
    const { instanceId } = batch;
    const hold = holdOf(stored, decided, result, {
      ...{ isContinued: continued !== undefined, isDirect: direct?.hasRoom ?? false },
      isProduced: (task) => direct?.isProduced(instanceId, task) ?? false,
    });
    const { kept, claimed, misfits } = hold;
    const travelling = continuationWith(continued, result.state, hold.effects);
    const sent = directTasks(outgoing, result.state, hold.direct, travelling);
    const effects = hold.effects.filter((effect) => !sent.has(effect) && !(tellsEnds && hasEnded(result.state) && isEnd(effect)));
    const added = [...(claimed === null ? [] : [claimed]), ...Array.from(sent.values(), ({ task }) => task)];
    const held = heldChange(stored.held ?? [], kept, added);
    const changesNothing = result.history.length === 0 && effects.length === 0;
    const written = { ...result, effects };
    const transition = changesNothing
      ? null
      : yield* transitionInParts(outgoing, partition, stored, written, { continuation: travelling, held });
    return {
      ...batch,
      ...{ stored, result, transition, misfits },
      ...{ held: [...kept, ...added], isContinued: claimed !== null, direct: [...sent.values()] },
    };
  }

  /** All of them are written, or had nothing to be written. */
  #settle(decisions: readonly Decision<N>[], cache: StateCache, { onSeen, direct }: Attending): void {
    direct?.send(decisions.flatMap((decision) => decision.direct));
    for (const decision of decisions) {
      const { instanceId, stored, result, held } = decision;
      const after = { state: result.state, version: stored.version + 1, ...(held.length === 0 ? {} : { held }) };
      cache.set(instanceId, result.history.length === 0 ? stored : after);
      onSeen(result.state, held);
      this.#dependencies.observer.onProcessed(decision);
    }
  }

  async #isolate(
    partition: number,
    batch: InstanceBatch<N>,
    cache: StateCache,
    attending: Attending,
  ): Promise<readonly Unprocessable<N>[]> {
    const { store } = this.#dependencies;
    const { instanceId } = batch;
    return await applyOneByOne(batch, {
      ...this.#dependencies,
      load: async () => {
        cache.drop(instanceId);
        const stored = (await store.load(partition, [{ instanceId, scopes: 'all' }])).get(instanceId);
        if (stored === undefined) throw new Error('Bug: an instance is gone');
        attending.onSeen(stored.state, stored.held ?? []);
        return stored;
      },
      write: async (one, stored, result) => {
        const batch = { instanceId, notifications: [one] };
        const decision = await inTurns(this.#decisionOf(partition, batch, stored, result, attending));
        const { transition } = decision;
        const isWritten = transition === null || (await store.apply(partition, [transition])).applied.has(instanceId);
        if (isWritten) this.#settle([decision], cache, attending);
        return isWritten;
      },
    });
  }
}

/** The instance is decided alone, and what it throws there is logged. */
function undecidedUnlessScopes(error: unknown): 'undecided' {
  if (error instanceof ScopesNeeded) throw error;
  return 'undecided';
}

function isEnd(effect: Effect): boolean {
  return effect.type === 'lifecycle' && effect.change === 'ended';
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
