/**
 * Held tasks: a worker that goes on with the next task by itself needs no record of it. What a step opens is held where the
 * outcome that opened it continues it, by task, attempt and basis; anything else is sent as ever (protocol.md, "Continuation" 8, 9).
 * Held-ness stands beside the state and decides nothing that history would show.
 */
import type { AddressedNotification, DecidedAttempt } from '../../core/instance/decide/notification.ts';
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import { rootPath, scopePathOf, sentTaskAt } from '../../core/instance/state/scopes.ts';
import { type InstanceState, statusOf } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import { own } from '../../core/record.ts';
import type { HeldTask, StoredInstance } from '../../store/instance-store.ts';

export type Hold = {
  /** What is still to be sent. */
  readonly effects: readonly Effect[];
  /** As in `Transition`. */
  readonly held?: HeldTask | null;
  /** Outcomes that continue what the engine has decided otherwise. */
  readonly misfits: number;
};

/**
 * @param notifications those that were decided.
 * @param isOn whether tasks are held at all: where not, what was held before is still minded.
 */
export function holdOf(
  stored: StoredInstance,
  notifications: readonly AddressedNotification[],
  { state, history, effects, rejected }: StepResult,
  isOn: boolean,
): Hold {
  // Where workers go on with nothing, that is every decision.
  if (history.length === 0 || (!isOn && stored.held === undefined)) return { effects, misfits: 0 };
  const refused = new Set(rejected.map(({ notification }) => notification));
  const claims: DecidedAttempt[] = [];
  for (const addressed of isOn ? notifications : []) {
    const { notification } = addressed;
    if (notification.type === 'TaskOutcome' && notification.continuing !== undefined && !refused.has(addressed))
      claims.push(notification.continuing);
  }
  const misfits = claims.filter((claim) => !fits(state, claim)).length;
  const { held } = stored;
  // One at a time: a second one is sent.
  if (held !== undefined && isOpen(state, held)) return { effects, misfits };
  const opened = claims.find((claim) => mayBeHeld(claim) && isOpen(state, claim) && effects.some((effect) => isDispatchOf(effect, claim)));
  if (opened === undefined) return { effects, misfits, ...(held === undefined ? {} : { held: null }) };
  return { effects: effects.filter((effect) => !isDispatchOf(effect, opened)), misfits, held: opened };
}

/** What of a batch is decided now. A redispatch is judged by what is held after everything before it. */
export type Portion<N> = { readonly refused: readonly N[]; readonly decided: readonly N[]; readonly left: readonly N[] };

export function portionOf<N extends AddressedNotification>(notifications: readonly N[], held: HeldTask | undefined): Portion<N> {
  let first = 0;
  while (first < notifications.length && isSentAlready(notifications[first], held)) first++;
  const next = notifications.findIndex((one, index) => index > first && isRedispatch(one));
  const end = next === -1 ? notifications.length : next;
  return { refused: notifications.slice(0, first), decided: notifications.slice(first, end), left: notifications.slice(end) };
}

/** A held task is with a worker, or its lease will send it: the request of a redispatcher for it changes nothing. */
export function isSentAlready(one: AddressedNotification | undefined, held: HeldTask | undefined): boolean {
  if (one === undefined || held === undefined || !isRedispatch(one)) return false;
  const { command } = one.notification;
  return command.path === held.path && command.attempt === held.attempt;
}

export const heldRejection = {
  code: 'MR_OUTCOME_STALE',
  reason: 'A worker goes on with this task by itself, or it will be sent.',
} as const;

type Redispatch = AddressedNotification & {
  readonly notification: { readonly type: 'CommandIssued'; readonly command: { readonly type: 'redispatch' } };
};

function isRedispatch(one: AddressedNotification): one is Redispatch {
  return one.notification.type === 'CommandIssued' && one.notification.command.type === 'redispatch';
}

/** Of the instance's own scope, which every state holds: so it can always be told whether it is still open. */
function mayBeHeld({ path }: DecidedAttempt): boolean {
  return scopePathOf(path) === rootPath;
}

function isDispatchOf(effect: Effect, { path, attempt }: DecidedAttempt): boolean {
  return effect.type === 'dispatchTask' && effect.path === path && effect.attempt === attempt;
}

function isOpen(state: InstanceState, { path, attempt, basis }: DecidedAttempt): boolean {
  return mayBeHeld({ path, attempt, basis }) && sentTaskAt(state, path, attempt)?.basis === basis;
}

/** A paused instance opens nothing, and one that has ended neither: that is no disagreement. */
function fits(state: InstanceState, { path, basis }: DecidedAttempt): boolean {
  if (state.phase !== 'running' || statusOf(state) === 'paused') return true;
  const root = state.scopes[rootPath];
  return root?.status === 'open' && own(root.tasks, path)?.basis === basis;
}
