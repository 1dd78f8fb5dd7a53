/**
 * Held tasks: tasks that the outbox has no row of. A worker that goes on with the next task by itself needs no record of it, so what a
 * step opens is held where the outcome that opened it continues it, by task, attempt and basis. Where tasks are sent directly, the
 * others are held until the broker has them. Anything else is sent as ever (protocol.md, "Continuation" 8, 9, 16, 17). Held-ness
 * stands beside the state and decides nothing that history would show.
 */
import type { AddressedNotification, DecidedAttempt } from '../../core/instance/decide/notification.ts';
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import { missingScopes, rootPath, scopePathOf, sentTaskAt } from '../../core/instance/state/scopes.ts';
import { hasEnded, type InstanceState, statusOf } from '../../core/instance/state/state.ts';
import type { StepResult } from '../../core/instance/step.ts';
import { own } from '../../core/record.ts';
import type { HeldChange, HeldTask, StoredInstance } from '../../store/instance-store.ts';
import { type DispatchEffect, HELD_MAX } from '../direct/direct-dispatch.ts';

export type Hold = {
  /** What goes through the outbox. */
  readonly effects: readonly Effect[];
  /** What may be sent directly instead; some of `effects`. */
  readonly direct: readonly DispatchEffect[];
  /** Tasks that were held and still are. */
  readonly kept: readonly HeldTask[];
  /** What a worker goes on with. */
  readonly claimed: HeldTask | null;
  /** Outcomes that continue what the engine has decided otherwise. */
  readonly misfits: number;
};

export type HoldOptions = {
  /** Whether workers go on with tasks: where not, what was held before is still minded. */
  readonly isContinued: boolean;
  /** Whether tasks are sent directly. */
  readonly isDirect: boolean;
  /** Whether the broker has the task. The next step that writes its instance holds it no longer. */
  readonly isProduced: (task: HeldTask) => boolean;
};

/** @param notifications those that were decided. */
export function holdOf(
  { held = [] }: StoredInstance,
  notifications: readonly AddressedNotification[],
  { state, history, effects, rejected }: StepResult,
  { isContinued, isDirect, isProduced }: HoldOptions,
): Hold {
  // Where nothing is ever held, that is every decision. A step without history is no write of the instance.
  if (history.length === 0 || (!isContinued && !isDirect && held.length === 0))
    return { effects, direct: [], kept: held, claimed: null, misfits: 0 };
  const refused = new Set(rejected.map(({ notification }) => notification));
  const claims: DecidedAttempt[] = [];
  for (const addressed of isContinued ? notifications : []) {
    const { notification } = addressed;
    if (notification.type === 'TaskOutcome' && notification.continuing !== undefined && !refused.has(addressed))
      claims.push(notification.continuing);
  }
  const misfits = claims.filter((claim) => !fits(state, claim)).length;
  const kept = held.filter((task) => mayBeOpen(state, task) && !isProduced(task));
  const claimed = claims.find((claim) => mayBeClaimed(state, claim) && effects.some((effect) => isDispatchOf(effect, claim))) ?? null;
  const rest = claimed === null ? effects : effects.filter((effect) => !isDispatchOf(effect, claimed));
  const room = HELD_MAX - kept.length - Number(claimed !== null);
  const direct = isDirect ? rest.filter((effect) => effect.type === 'dispatchTask').slice(0, Math.max(0, room)) : [];
  return { effects: rest, direct, kept, claimed, misfits };
}

/** @returns undefined where the row stays as it is. */
export function heldChange(before: readonly HeldTask[], kept: readonly HeldTask[], added: readonly HeldTask[]): HeldChange | undefined {
  return added.length === 0 && kept.length === before.length ? undefined : { kept, added };
}

/** What of a batch is decided now. A redispatch is judged by what is held after everything before it. */
export type Portion<N> = { readonly refused: readonly N[]; readonly decided: readonly N[]; readonly left: readonly N[] };

export function portionOf<N extends AddressedNotification>(notifications: readonly N[], held: readonly HeldTask[] = []): Portion<N> {
  let first = 0;
  while (first < notifications.length && isSentAlready(notifications[first], held)) first++;
  const next = notifications.findIndex((one, index) => index > first && isRedispatch(one));
  const end = next === -1 ? notifications.length : next;
  return { refused: notifications.slice(0, first), decided: notifications.slice(first, end), left: notifications.slice(end) };
}

/** A held task is with a worker, or its lease will send it: the request of a redispatcher for it changes nothing. */
export function isSentAlready(one: AddressedNotification | undefined, held: readonly HeldTask[] = []): boolean {
  if (one === undefined || !isRedispatch(one)) return false;
  const { command } = one.notification;
  return held.some(({ path, attempt }) => command.path === path && command.attempt === attempt);
}

export const heldRejection = {
  code: 'MR_OUTCOME_STALE',
  reason: 'A worker goes on with this task by itself, or it will be sent.',
} as const;

type Redispatch = AddressedNotification & {
  readonly notification: { readonly type: 'CommandIssued'; readonly command: { readonly type: 'redispatch' } };
};

export function isRedispatch(one: AddressedNotification): one is Redispatch {
  return one.notification.type === 'CommandIssued' && one.notification.command.type === 'redispatch';
}

/** Of the instance's own scope: workers go on with no others. */
function mayBeClaimed(state: InstanceState, claim: DecidedAttempt): boolean {
  return scopePathOf(claim.path) === rootPath && isOpen(state, claim);
}

function isDispatchOf(effect: Effect, { path, attempt }: DecidedAttempt): boolean {
  return effect.type === 'dispatchTask' && effect.path === path && effect.attempt === attempt;
}

function isOpen(state: InstanceState, { path, attempt, basis }: DecidedAttempt): boolean {
  return sentTaskAt(state, path, attempt)?.basis === basis;
}

/** A step that closes a task has loaded its scope. So one whose scope is not loaded is as it was. */
function mayBeOpen(state: InstanceState, task: HeldTask): boolean {
  if (hasEnded(state)) return false;
  return missingScopes(state, [scopePathOf(task.path)]).length > 0 || isOpen(state, task);
}

/** A paused instance opens nothing, and one that has ended neither: that is no disagreement. */
function fits(state: InstanceState, { path, basis }: DecidedAttempt): boolean {
  if (state.phase !== 'running' || statusOf(state) === 'paused') return true;
  const root = state.scopes[rootPath];
  return root?.status === 'open' && own(root.tasks, path)?.basis === basis;
}
