/**
 * Starts children: a start or a word came for an instance that is not there. Who inserts the row starts it; whoever finds it
 * there goes on with what stands there. A cancel that overtook its start, and a start that is refused, leave the row of an
 * instance that has ended. What is away (a database, the registry) refuses nothing: the partition waits.
 */

import type { InstanceId } from '../../core/ids.ts';
import type { ChildRequest, ChildStart, ChildWord } from '../../core/instance/children/messages.ts';
import { parentName } from '../../core/instance/children/parent.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { type Stillborn, stillborn } from '../../core/instance/index.ts';
import type { TaskError } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { InstanceStore, Start } from '../../store/instance-store.ts';
import type { LatestVersions } from '../../store/latest-versions.ts';
import type { DirectDispatch, DirectTask } from '../direct/direct-dispatch.ts';
import { describeError, isCausedByOneMessage } from '../error-scope.ts';
import type { Attending, InstanceBatch } from '../process/decision.ts';
import type { ReadyDefinitions } from '../ready-definitions.ts';
import { type DecidingDependencies, decideStartInParts, refusalError } from '../start/decide-start.ts';
import { transitionOf } from '../transition.ts';

export type BirthDependencies = Omit<DecidingDependencies, 'outgoing'> & {
  readonly store: Pick<InstanceStore, 'start' | 'publish'>;
  readonly definitions: ReadyDefinitions;
  readonly latest: Pick<LatestVersions, 'get'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects' | 'ofChildEnd' | 'partitionOf'>;
};

export type Births = {
  /**
   * @param batches of instances that are not there.
   * @param attending told of children that hold tasks.
   */
  bear<N extends AddressedNotification>(partition: number, batches: readonly InstanceBatch<N>[], attending: Attending): Promise<Born<N>>;
};

export type Born<N extends AddressedNotification> = {
  /** What started a child. */
  readonly applied: readonly N[];
  /** To be decided on what is there now. */
  readonly again: readonly InstanceBatch<N>[];
  /** For these no instance is there. */
  readonly unknown: readonly N[];
};

/** What a batch for an instance that is not there makes of it. */
type Call<N extends AddressedNotification = AddressedNotification> = { readonly one: N; readonly message: ChildStart | ChildWord };

export function createBirths(dependencies: BirthDependencies): Births {
  return {
    async bear<N extends AddressedNotification>(
      partition: number,
      batches: readonly InstanceBatch<N>[],
      attending: Attending,
    ): Promise<Born<N>> {
      const calls = batches.flatMap((batch) => callOf(batch) ?? []);
      const there = await startAll(dependencies, partition, calls.filter(isBirth), attending);
      await answer(
        dependencies,
        calls.filter(({ one }) => !there.has(one.instanceId)),
      );
      const applied = calls.flatMap(({ one }) => (there.get(one.instanceId) === 'started' ? [one] : []));
      const used: ReadonlySet<N> = new Set(applied);
      const left = batches.map(({ instanceId, notifications }) => ({
        instanceId,
        notifications: notifications.filter((notification) => !used.has(notification)),
      }));
      const again = left.filter(({ instanceId, notifications }) => there.has(instanceId) && notifications.length > 0);
      const nowhere = left.filter(({ instanceId }) => !there.has(instanceId)).flatMap(({ notifications }) => notifications);
      return { applied, again, unknown: nowhere.filter(({ notification }) => !isFromParent(notification)) };
    },
  };
}

/** A start before a cancel, and that before any other word: one of them is enough, since the others come again to what is there then. */
function callOf<N extends AddressedNotification>({ notifications }: InstanceBatch<N>): Call<N> | null {
  const calls = notifications.flatMap((one): Call<N>[] => (isFromParent(one.notification) ? [{ one, message: one.notification }] : []));
  return calls.find(({ message }) => message.type === 'ChildStart') ?? calls.find(isBirth) ?? calls[0] ?? null;
}

function isFromParent(notification: AddressedNotification['notification']): notification is ChildStart | ChildWord {
  return notification.type === 'ChildStart' || notification.type === 'ChildWord';
}

/** Any other word is answered: the parent sends the start again. */
function isBirth({ message }: Call): boolean {
  return message.type === 'ChildStart' || message.request.wish === 'cancel';
}

type There = ReadonlyMap<InstanceId, 'started' | 'present'>;

/** @returns the children that are there now, and whether they were before. */
async function startAll(
  dependencies: BirthDependencies,
  partition: number,
  calls: readonly Call[],
  { direct, onSeen }: Attending,
): Promise<There> {
  if (calls.length === 0) return new Map();
  const { store } = dependencies;
  const starts: Birth[] = [];
  // One after the other: what the first looks up, the others have.
  for (const call of calls) starts.push(await startOf(dependencies, partition, call, direct));
  const results = await store.start(starts.map(({ start }) => start));
  const held = starts.filter(({ direct: tasks }, index) => tasks.length > 0 && results[index]?.kind === 'started');
  direct?.send(held.flatMap(({ direct: tasks }) => tasks));
  for (const { start, direct: tasks } of held) {
    onSeen(
      start.transition.after,
      tasks.map(({ task }) => task),
    );
  }
  const there = new Map<InstanceId, 'started' | 'present'>();
  for (const [index, call] of calls.entries()) {
    let result = results[index];
    // A row that the database refuses.
    if (result?.kind === 'failed') [result] = await store.start([refusedStart(dependencies, partition, call, describeError(result.error))]);
    if (result?.kind === 'failed') throw result.error;
    if (result?.kind === 'started' || result?.kind === 'present') there.set(call.one.instanceId, result.kind);
  }
  return there;
}

/** With what it holds, to be sent once it is written. */
type Birth = { readonly start: Start; readonly direct: readonly DirectTask[] };

async function startOf(dependencies: BirthDependencies, partition: number, call: Call, direct: DirectDispatch | null): Promise<Birth> {
  try {
    return await decide(dependencies, partition, call, direct);
  } catch (error) {
    if (!isCausedByOneMessage(error)) throw error;
    return { start: refusedStart(dependencies, partition, call, describeError(error)), direct: [] };
  }
}

/** Without the input, which may be what was refused. */
function refusedStart(dependencies: BirthDependencies, partition: number, call: Call, error: TaskError): Start {
  const { definitionVersion } = call.message.request;
  const born = { ...stillbornOf(call, definitionVersion ?? 0), input: null, businessKey: null };
  return written(dependencies, partition, stillborn(born, error, dependencies.now()));
}

function written({ outgoing }: BirthDependencies, partition: number, result: StepResult): Start {
  return { transition: transitionOf(outgoing, partition, null, result), idempotency: null };
}

async function decide(dependencies: BirthDependencies, partition: number, call: Call, direct: DirectDispatch | null): Promise<Birth> {
  const { definitions, latest, now } = dependencies;
  const { message } = call;
  const { definitionId, definitionVersion, wish } = message.request;
  const version = definitionVersion ?? (await latest.get(definitionId)) ?? 0;
  const born = stillbornOf(call, version);
  const without = (error: TaskError | null): Birth => ({
    start: written(dependencies, partition, stillborn(born, error, now())),
    direct: [],
  });
  if (wish === 'cancel' || message.type === 'ChildWord') return without(null);
  const definition = version === 0 ? null : await definitions.find(definitionId, version);
  if (definition === null) return without(noDefinition(message.request));
  const { instanceId, input, businessKey, by, cause, child } = born;
  const decided = await inTurns(decideStartInParts(dependencies, definition, { instanceId, input, businessKey, by, cause, child }, direct));
  if (!('start' in decided)) return without(refusalError(decided));
  return { start: { transition: decided.start, idempotency: null }, direct: decided.direct };
}

function stillbornOf({ one: { instanceId, cause }, message }: Call, definitionVersion: number): Stillborn {
  const { parent, depth, detached, number, definitionId, wish } = message.request;
  const [input, businessKey] = message.type === 'ChildStart' ? [message.input, message.businessKey] : [null, null];
  const child = { parent, depth, detached, number, isPaused: wish === 'pause' };
  return { instanceId, definitionId, definitionVersion, input, businessKey, by: parentName(parent), cause, child };
}

function noDefinition({ definitionId, definitionVersion }: ChildRequest): TaskError {
  const what = definitionVersion === null ? `definition ${definitionId}` : `version ${definitionVersion} of ${definitionId}`;
  return { code: 'MR_NOT_FOUND', message: `There is no ${what}. Deploy it, and retry.` };
}

/** A start that was too old to be applied is gone; a word for what is not there is unknown. A lost answer is asked for again. */
async function answer({ store, outgoing, now }: BirthDependencies, calls: readonly Call[]): Promise<void> {
  if (calls.length === 0) return;
  const messages = calls.map((call) => {
    const status = isBirth(call) ? 'gone' : 'unknown';
    return outgoing.ofChildEnd(
      { type: 'ChildEnd', childId: call.one.instanceId, parent: call.message.request.parent, result: { status } },
      now(),
    );
  });
  await store.publish(messages);
}
