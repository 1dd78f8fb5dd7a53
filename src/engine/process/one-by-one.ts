/**
 * Applies a batch one notification after the other, each on the stored state, so that those before and after the one that cannot
 * be applied count. That one is recorded in its instance, in the first form that can be written (docs/decisions/0010, 0043): an
 * outcome as the failure of its attempt, else as `recordUnapplied` says, a refused command or an incident. It becomes a dead
 * letter too if its content is stored nowhere else.
 */

import type { AddressedNotification, Notification } from '../../core/instance/decide/notification.ts';
import { recordUnapplied, stepInParts } from '../../core/instance/index.ts';
import type { TaskError } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { StoredInstance } from '../../store/instance-store.ts';
import { heldRejection, isSentAlready } from '../continuation/hold.ts';
import { describeError, isCausedByOneMessage } from '../error-scope.ts';
import type { InstanceBatch, ProcessingObserver, RecordedAs, Unprocessable } from './decision.ts';
import type { ProcessingDependencies } from './dependencies.ts';
import { targetVersions, wantedVersions } from './target-versions.ts';
import { ATTEMPTS_MAX, versionConflict } from './version-conflict.ts';

export type OneByOne<N extends AddressedNotification> = Pick<ProcessingDependencies<N>, 'definitions' | 'limits' | 'now'> & {
  readonly observer: Pick<ProcessingObserver<N>, 'onUnapplied'>;
  /** The stored instance. */
  readonly load: () => Promise<StoredInstance>;
  /** @returns false when somebody else wrote the instance first. */
  readonly write: (one: N, stored: StoredInstance, result: StepResult) => Promise<boolean>;
};

type Decide = (stored: StoredInstance) => StepResult | Promise<StepResult>;

/** @returns what becomes a dead letter. Throws a retryable MillraceError as `InstanceProcessor.process`. */
export async function applyOneByOne<N extends AddressedNotification>(
  { notifications }: InstanceBatch<N>,
  dependencies: OneByOne<N>,
): Promise<readonly Unprocessable<N>[]> {
  const unprocessable: Unprocessable<N>[] = [];
  for (const one of notifications) {
    const error = await tryOne(one, dependencies, deciding(one, dependencies));
    if (error === null) continue;
    const shown = describeError(error);
    const recordedAs = await record(one, dependencies, shown);
    dependencies.observer.onUnapplied(one, error, recordedAs);
    if (!needsDeadLetter(one.notification, recordedAs)) continue;
    const reason = shown.code === 'MR_STEP_FAILED' ? shown.message : `${shown.code}: ${shown.message}`;
    unprocessable.push({ notification: one, code: 'MR_STEP_FAILED', reason });
  }
  return unprocessable;
}

function deciding<N extends AddressedNotification>(one: AddressedNotification, { definitions, limits, now }: OneByOne<N>): Decide {
  return async ({ state, held }) => {
    if (isSentAlready(one, held))
      return { state, history: [], effects: [], rejected: [{ notification: one, rejection: heldRejection }], left: [] };
    const definition = await definitions.get(state.definitionId, state.definitionVersion);
    const versions = await targetVersions(definitions, state, wantedVersions([one]));
    return await inTurns(stepInParts(definition, state, [one], now(), limits, versions));
  };
}

async function record<N extends AddressedNotification>(one: N, dependencies: OneByOne<N>, error: TaskError): Promise<RecordedAs> {
  const { notification, instanceId, cause } = one;
  if (notification.type === 'TaskOutcome') {
    const result = { status: 'failed', error, retryable: false, retryAfterMs: null } as const;
    const failure = { instanceId, cause, notification: { ...notification, result } };
    if ((await tryOne(one, dependencies, deciding(failure, dependencies))) === null) return 'failedAttempt';
  }
  let isEmpty = true;
  const recording: Decide = ({ state }) => {
    const result = recordUnapplied(state, one, error, dependencies.now());
    isEmpty = result.history.length === 0 && result.effects.length === 0;
    return result;
  };
  return (await tryOne(one, dependencies, recording)) === null && !isEmpty ? 'record' : null;
}

/** A refused command was answered, and a timer is in the state, so their messages hold nothing more. */
function needsDeadLetter({ type }: Notification, recordedAs: RecordedAs): boolean {
  if (recordedAs === 'failedAttempt') return false;
  // Said again by whoever sent it, until it is answered.
  if (type === 'ChildStart' || type === 'ChildWord' || type === 'ChildEnd') return false;
  return recordedAs === null || type === 'TaskOutcome' || type === 'EventMatched';
}

/** @returns why it can never be applied, or null when it was, or was rejected. */
async function tryOne<N extends AddressedNotification>(one: N, { load, write }: OneByOne<N>, decide: Decide): Promise<unknown> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    // Outside of the `try`: a failure to load is never caused by the message.
    const stored = await load();
    try {
      if (await write(one, stored, await decide(stored))) return null;
    } catch (error) {
      if (!isCausedByOneMessage(error)) throw error;
      return error;
    }
  }
  throw versionConflict();
}
