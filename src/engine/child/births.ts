/**
 * Starts children: a start or a word came for an instance that is not there. Who inserts the row starts it; whoever finds it
 * there goes on with what stands there. A cancel that overtook its start, and a start that is refused, leave the row of an
 * instance that has ended. What is away (a database, the registry) refuses nothing: the partition waits.
 */
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import type { ChildRequest, ChildStart, ChildWord } from '../../core/instance/children/messages.ts';
import { parentName } from '../../core/instance/children/parent.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { type RunLimits, type Stillborn, start, stillborn } from '../../core/instance/index.ts';
import type { TaskError } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore, Start } from '../../store/instance-store.ts';
import type { LatestVersions } from '../../store/latest-versions.ts';
import { describeError, isCausedByOneMessage } from '../error-scope.ts';
import type { InstanceBatch } from '../process/decision.ts';
import type { ReadyDefinitions } from '../ready-definitions.ts';
import { transitionOf } from '../transition.ts';

export type BirthDependencies = {
  readonly store: Pick<InstanceStore, 'start' | 'publish'>;
  readonly definitions: ReadyDefinitions;
  readonly latest: Pick<LatestVersions, 'get'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofEffects' | 'ofChildEnd'>;
  readonly limits: RunLimits;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
};

export type Births = {
  /** @param batches of instances that are not there. */
  bear<N extends AddressedNotification>(partition: number, batches: readonly InstanceBatch<N>[]): Promise<Born<N>>;
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
    async bear<N extends AddressedNotification>(partition: number, batches: readonly InstanceBatch<N>[]): Promise<Born<N>> {
      const calls = batches.flatMap((batch) => callOf(batch) ?? []);
      const there = await startAll(dependencies, partition, calls.filter(isBirth));
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
async function startAll(dependencies: BirthDependencies, partition: number, calls: readonly Call[]): Promise<There> {
  if (calls.length === 0) return new Map();
  const { store } = dependencies;
  const starts: Start[] = [];
  // One after the other: what the first looks up, the others have.
  for (const call of calls) starts.push(await startOf(dependencies, partition, call));
  const results = await store.start(starts);
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

async function startOf(dependencies: BirthDependencies, partition: number, call: Call): Promise<Start> {
  try {
    return written(dependencies, partition, await decide(dependencies, call));
  } catch (error) {
    if (!isCausedByOneMessage(error)) throw error;
    return refusedStart(dependencies, partition, call, describeError(error));
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

async function decide({ definitions, latest, limits, now }: BirthDependencies, call: Call): Promise<StepResult> {
  const { message } = call;
  const { definitionId, definitionVersion, wish } = message.request;
  const version = definitionVersion ?? (await latest.get(definitionId)) ?? 0;
  const born = stillbornOf(call, version);
  if (wish === 'cancel' || message.type === 'ChildWord') return stillborn(born, null, now());
  const definition = version === 0 ? null : await definitions.find(definitionId, version);
  if (definition === null) return stillborn(born, noDefinition(message.request), now());
  const errors = definition.input?.compiled.validate(message.input) ?? [];
  if (errors.length > 0) return stillborn(born, inputInvalid(errors), now());
  const { instanceId, input, businessKey, by, cause, child } = born;
  const started = start(definition, { instanceId, input, businessKey, by, cause, child }, now(), limits);
  return started.ok ? started.value : stillborn(born, started.error.error, now());
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

function inputInvalid(errors: readonly { readonly pointer: string; readonly message: string }[]): TaskError {
  const said = errors.slice(0, 3).map(({ pointer, message }) => `${pointer === '' ? 'the whole' : pointer}: ${message}`);
  return { code: 'MR_INPUT_INVALID', message: `The input does not fit the schema of the definition: ${said.join(' ')}` };
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
