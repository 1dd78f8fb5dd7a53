/**
 * The instance, pure: `start` makes one, `step` moves it on, `fold` reads it back from its history.
 * The same functions serve running, verifying and simulating. They use no clock, no I/O and no random numbers.
 */

import { invariant } from '../assert.ts';
import type { Definition } from '../definition/types.ts';
import type { EpochMs } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { type InParts, toEnd } from '../parts.ts';
import { err, ok, type Result } from '../result.ts';
import { startBasis } from './attempts/basis.ts';
import { decideNotification } from './decide/decide.ts';
import type { AddressedNotification, Notification } from './decide/notification.ts';
import type { Rejection } from './decide/rejection.ts';
import { durationMs, evaluateTemplate, evaluating, instantAt, UnfitValueError } from './expressions/evaluate.ts';
import type { InstanceEvent, InstanceStarted } from './history/events.ts';
import { applyEvent, evolve, started } from './history/evolve.ts';
import { judgeMigration } from './migration/migrate.ts';
import type { Effect } from './outgoing/effects.ts';
import { outgoing } from './outgoing/outgoing.ts';
import { Progress } from './progress.ts';
import { rootPath } from './state/scopes.ts';
import { type InstanceState, statusOf, type TaskError } from './state/state.ts';
import { StateBuilder } from './state/state-builder.ts';
import type { HistoryEntry, StartInstance, StepResult } from './step.ts';
import { defaultRunLimits, type MigrationVerdict, type RunLimits, type Verdict, type Versions, type View } from './view.ts';

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
  return toEnd(startInParts(definition, command, now, limits));
}

/** As `start`. */
export function* startInParts(
  definition: Definition,
  command: StartInstance,
  now: EpochMs,
  limits: RunLimits,
): InParts<Result<StepResult, StartRefusal>> {
  const { instanceId, input, businessKey, by, cause, child } = command;
  const bare: InstanceStarted = {
    type: 'InstanceStarted',
    at: now,
    definitionId: definition.id,
    definitionVersion: definition.version,
    businessKey,
    input,
    vars: {},
    basis: startBasis(instanceId, definition.id, definition.version, input),
    by,
    startedBy: by,
    timeoutAt: null,
    ...(child === undefined ? {} : { child }),
  };
  const values = evaluating(() =>
    startValues(definition, now, () => new Progress(definition, started(instanceId, bare), now, limits).view),
  );
  if (!values.ok) return err({ error: values.error, expression: values.expression });
  const event = { ...bare, ...values.value };
  const progress = new Progress(definition, started(instanceId, event), now, limits);
  progress.causedBy(cause);
  progress.begin(event);
  yield* progress.goOn();
  return ok(yield* result(null, progress, []));
}

/** @param view of the instance as it starts, made only where an expression asks for it. */
function startValues(
  { vars: template, timeout, deadline }: Definition,
  now: EpochMs,
  view: () => View,
): { readonly vars: JsonObject; readonly timeoutAt: EpochMs | null } {
  const vars = template.isConstant ? template.evaluate({}) : evaluateTemplate(view(), rootPath, template);
  if (!isJsonObject(vars)) throw new UnfitValueError('`vars` must be an object.');
  const ends = [];
  if (timeout !== null) ends.push(now + (timeout.kind === 'constant' ? timeout.ms : durationMs(view(), rootPath, timeout)));
  if (deadline !== null) ends.push(deadline.kind === 'constant' ? deadline.at : instantAt(view(), rootPath, deadline));
  return { vars, timeoutAt: ends.length === 0 ? null : Math.min(...ends) };
}

/**
 * What one notification means: events, which `evolve` gives their meaning, or the reason why it changes nothing. Pure: the
 * same four give the same events.
 * @throws ScopesNeeded when the state was loaded without scopes that the decision looks at.
 */
export function decide(
  definition: Definition,
  state: InstanceState,
  notification: Notification,
  now: EpochMs,
  limits: RunLimits = defaultRunLimits,
  versions?: Versions,
): { readonly events: readonly InstanceEvent[]; readonly rejection: Rejection | null } {
  const progress = progressOf(definition, state, now, limits, versions);
  const { rejection } = toEnd(take(progress, notification));
  return { events: progress.history.map(({ event }) => event), rejection };
}

/**
 * Applies notifications in their order. What is rejected changes nothing; a refused command is answered by an effect.
 * @param definition the version that the instance runs on.
 * @param now by the instance database's clock, ms since the epoch; read once per batch.
 * @param versions those that `migrate` commands among the notifications name. The instance may run on one of them afterwards.
 * @throws ScopesNeeded when the state was loaded without scopes that a decision looks at: load them and call again.
 */
export function step(
  definition: Definition,
  state: InstanceState,
  notifications: readonly AddressedNotification[],
  now: EpochMs,
  limits: RunLimits = defaultRunLimits,
  versions?: Versions,
): StepResult {
  return toEnd(stepInParts(definition, state, notifications, now, limits, versions));
}

/** As `step`. What it throws it throws from any of its parts, and nothing of it is kept then. */
export function* stepInParts(
  definition: Definition,
  state: InstanceState,
  notifications: readonly AddressedNotification[],
  now: EpochMs,
  limits: RunLimits,
  versions?: Versions,
): InParts<StepResult> {
  const progress = progressOf(definition, state, now, limits, versions);
  const answers: Effect[] = [];
  const rejected: { notification: AddressedNotification; rejection: Rejection }[] = [];
  let decided = 0;
  while (decided < notifications.length && !progress.hasWorkedEnough) {
    const addressed = notifications[decided++];
    invariant(addressed !== undefined, 'there is a notification at each place');
    const { notification, cause } = addressed;
    progress.causedBy(cause);
    const { rejection, answers: said = [] } = yield* take(progress, notification);
    answers.push(...said);
    if (rejection !== null) rejected.push({ notification: addressed, rejection });
    const answer = answerTo(notification, rejection);
    if (answer !== null) answers.push(answer);
  }
  return { ...(yield* result(state, progress, answers, rejected)), left: notifications.slice(decided) };
}

function progressOf(definition: Definition, state: InstanceState, now: EpochMs, limits: RunLimits, versions?: Versions): Progress {
  invariant(definition.id === state.definitionId && definition.version === state.definitionVersion, 'an instance runs on its own version');
  return new Progress(definition, new StateBuilder(state), Math.max(now, state.updatedAt), limits, versions);
}

function* take(progress: Progress, notification: Notification): InParts<Verdict> {
  const judging = progress.judgingBefore(notification);
  if (judging !== null) yield* judging;
  const verdict = decideNotification(progress.view, notification);
  const applying = progress.applyLong(verdict.events);
  if (applying !== null) yield* applying;
  if (verdict.rejection === null) yield* progress.goOn();
  return verdict;
}

function* result(
  before: InstanceState | null,
  progress: Progress,
  answers: readonly Effect[],
  rejected: StepResult['rejected'] = [],
): InParts<StepResult> {
  const { history } = progress;
  if (before !== null && history.length === 0) return { state: before, history: [], effects: answers, rejected, left: [] };
  const state = progress.finish();
  const effects = yield* outgoing(before, state, history, progress.view.definition.lifecycle);
  effects.push(...answers);
  return { state, history, effects, rejected, left: [] };
}

/**
 * A command gets its result, and a refused event goes back to the buffer. A repeated command had its result the first time, and
 * for a command of the engine itself nobody asks for one.
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

/**
 * Whether the instance could move to another version now, with everything that speaks against it: what `migrate` would be answered.
 * @param state with all of its scopes, and with the outputs of nodes if `looksAtOutputs` says so.
 */
export function* judge(
  definition: Definition,
  state: InstanceState,
  target: Definition,
  now: EpochMs,
  limits: RunLimits = defaultRunLimits,
): InParts<MigrationVerdict> {
  return yield* judgeMigration(progressOf(definition, state, now, limits).view, target);
}

/** The state that a whole history gives. Throws when it does not begin with `InstanceStarted` or has a gap. */
export function fold(instanceId: InstanceState['instanceId'], history: readonly HistoryEntry[]): InstanceState {
  const [first, ...rest] = history;
  invariant(first?.event.type === 'InstanceStarted' && first.seq === 1, 'a history begins with the start of its instance');
  const builder = started(instanceId, first.event);
  for (const { seq, event } of rest) {
    invariant(seq === builder.current.seq + 1, `the history has a gap before entry ${seq}`);
    applyEvent(builder, event);
  }
  return builder.state;
}

export { type Stillborn, stillborn } from './children/stillborn.ts';
export { recordsOnly, recordUnapplied } from './decide/unapplied.ts';
export type { HistoryEntry, RunLimits, StartInstance, StepResult };
export { defaultRunLimits, evolve, statusOf };
