/**
 * The instance, pure: `start` makes one, `step` moves it on, `fold` reads it back from its history.
 * The same functions serve running, verifying and simulating. They know no clock, no I/O and no chance.
 */

import { invariant } from '../assert.ts';
import type { Definition } from '../definition/types.ts';
import type { EpochMs } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { advance } from './advance.ts';
import { startBasis } from './basis.ts';
import { decide } from './decide.ts';
import type { Effect } from './effects.ts';
import { Draft } from './evolve.ts';
import type { AddressedNotification, Notification } from './notification.ts';
import { durationMs, evaluateOr, UnfitValueError } from './open.ts';
import { outgoing } from './outgoing.ts';
import type { Rejection } from './rejection.ts';
import { defaultRunLimits, Run, type RunLimits } from './run.ts';
import { scopeFor } from './scope.ts';
import { type InstanceState, statusOf, type TaskError } from './state.ts';
import type { HistoryEntry, StartInstance, StepResult } from './step.ts';

export type StartRefusal = { readonly error: TaskError; readonly expression: string | null };

/**
 * Starts an instance and decides everything that needs no work outside.
 * @param now by the instance database's clock, ms since the epoch.
 * @returns a refusal when `vars` or `timeout` of the definition cannot be evaluated for this input: nothing is started then.
 */
export function start(
  definition: Definition,
  command: StartInstance,
  now: EpochMs,
  limits: RunLimits = defaultRunLimits,
): Result<StepResult, StartRefusal> {
  const { instanceId, input, businessKey, by, cause } = command;
  const basis = startBasis(instanceId, definition.id, definition.version, input);
  const bare = {
    type: 'InstanceStarted',
    definitionId: definition.id,
    definitionVersion: definition.version,
    businessKey,
    input,
    vars: {},
    basis,
    by,
    timeoutAt: null,
  } as const;
  const values = evaluateOr(() => startValues(Run.start(definition, instanceId, bare, now, cause, limits)));
  if (!values.ok) return err({ error: values.error, expression: values.expression });
  const run = Run.start(definition, instanceId, { ...bare, ...values.value }, now, cause, limits);
  for (const nodeId of definition.root.startNodes) run.later({ consider: nodeId });
  advance(run);
  return ok(result(null, run, []));
}

function startValues(run: Run): { readonly vars: JsonObject; readonly timeoutAt: EpochMs | null } {
  const { vars: template, timeout } = run.definition;
  const vars = template.evaluate(scopeFor(run, template.references));
  if (!isJsonObject(vars)) throw new UnfitValueError('`vars` must be an object.');
  return { vars, timeoutAt: timeout === null ? null : run.now + durationMs(run, timeout) };
}

/**
 * Applies notifications in their order. What is rejected changes nothing; a refused command is answered by an effect.
 * @param now by the instance database's clock, ms since the epoch; read once per batch.
 */
export function step(
  definition: Definition,
  state: InstanceState,
  notifications: readonly AddressedNotification[],
  now: EpochMs,
  limits: RunLimits = defaultRunLimits,
): StepResult {
  invariant(definition.id === state.definitionId && definition.version === state.definitionVersion, 'an instance runs on its own version');
  const run = Run.resume(definition, state, Math.max(now, state.updatedAt), limits);
  const answers: Effect[] = [];
  const rejected: { notification: AddressedNotification; rejection: Rejection }[] = [];
  for (const addressed of notifications) {
    const { notification, cause } = addressed;
    run.causedBy(cause);
    const rejection = decide(run, notification);
    if (rejection !== null) rejected.push({ notification: addressed, rejection });
    const answer = answerTo(notification, rejection);
    if (answer !== null) answers.push(answer);
  }
  return result(state, run, answers, rejected);
}

function result(before: InstanceState | null, run: Run, answers: readonly Effect[], rejected: StepResult['rejected'] = []): StepResult {
  if (before !== null && run.history.length === 0) return { state: before, history: [], effects: answers, rejected };
  const state = run.finish();
  const effects = outgoing(before, state, run.history, run.definition.lifecycle);
  effects.push(...answers);
  return { state, history: run.history, effects, rejected };
}

/**
 * Commands get their result, refused events go back. A repeated command had its result when it came first; one that the
 * engine gave itself has nobody to ask for it.
 */
function answerTo(notification: Notification, rejection: Rejection | null): Effect | null {
  if (notification.type === 'CommandIssued') {
    const { commandId, command } = notification;
    if (command.type === 'redispatch') return null;
    if (rejection === null) return { type: 'commandApplied', commandId };
    if (rejection.code === 'MR_COMMAND_REPEATED') return null;
    return { type: 'commandRefused', commandId, code: rejection.code, reason: rejection.reason };
  }
  if (notification.type === 'EventMatched' && (rejection?.code === 'MR_EVENT_REFUSED' || rejection?.code === 'MR_INSTANCE_ENDED')) {
    return { type: 'returnEvent', eventRowId: notification.eventRowId, path: notification.path, attempt: notification.attempt };
  }
  return null;
}

/** The state that a whole history gives. Throws when it does not begin with `InstanceStarted` or has a gap. */
export function fold(instanceId: InstanceState['instanceId'], history: readonly HistoryEntry[]): InstanceState {
  const [first, ...rest] = history;
  invariant(first?.event.type === 'InstanceStarted' && first.seq === 1, 'a history begins with the start of its instance');
  const draft = Draft.started(instanceId, first.event, first.seq);
  let seq = first.seq;
  for (const entry of rest) {
    invariant(entry.seq === ++seq, `the history has a gap before entry ${entry.seq}`);
    draft.apply(entry.event, entry.seq);
  }
  return draft.state;
}

export { recordsOnly, recordUnapplied } from './unapplied.ts';
export type { HistoryEntry, RunLimits, StartInstance, StepResult };
export { defaultRunLimits, statusOf };
