/**
 * Tasks that are sent right after the commit that opened them, and not by a row of the outbox: such a task is held from its commit
 * until the broker has it, so whoever owns its partition next finds what was not sent (protocol.md, "Continuation" 16, 17). The message is
 * the one that the outbox would hold.
 */
import type { InstanceId } from '../../core/ids.ts';
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import { sentTaskAt } from '../../core/instance/state/scopes.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { HeldTask } from '../../store/instance-store.ts';

export type DispatchEffect = Effect & { readonly type: 'dispatchTask' };

/** A task that its commit holds, to be sent after that. */
export type DirectTask = { readonly instanceId: InstanceId; readonly task: HeldTask; readonly message: OutboxMessage };

/** Of one partition in one assignment. */
export interface DirectDispatch {
  /** false: tasks go through the outbox for now, since the broker is slow or away. */
  readonly hasRoom: boolean;
  /** Whether the broker is known to have the task. */
  isProduced(instanceId: InstanceId, task: HeldTask): boolean;
  /** Takes tasks whose transaction is committed, and returns at once. Never throws: what is not sent is left to its lease. */
  send(tasks: readonly DirectTask[]): void;
}

/** How many tasks of an instance are held at most: each is in the row that every step writes. */
export const HELD_MAX = 64;

/** A larger message goes through the outbox, whose bounds tell what is too large for the topic; and so what waits stays small. */
const MESSAGE_BYTES_MAX = 131_072;

/** @param effects those that may be sent directly. @returns those that are. */
export function directTasks(
  outgoing: Pick<OutgoingMessages, 'ofEffects'>,
  state: InstanceState,
  effects: readonly DispatchEffect[],
  continuation: string | null,
): ReadonlyMap<Effect, DirectTask> {
  const { instanceId } = state;
  const tasks = new Map<Effect, DirectTask>();
  for (const effect of effects) {
    const { path, attempt } = effect;
    const sent = sentTaskAt(state, path, attempt);
    const [message] = sent === undefined ? [] : outgoing.ofEffects(state, [effect], continuation);
    if (sent === undefined || message === undefined || message.payload.length > MESSAGE_BYTES_MAX) continue;
    tasks.set(effect, { instanceId, task: { path, attempt, basis: sent.basis }, message });
  }
  return tasks;
}
