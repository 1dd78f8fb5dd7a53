/** A decision of the core, ready to be written: with its version check and the encoded messages of its effects. */
import type { StepResult } from '../core/instance/step.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { StoredInstance, Transition } from '../store/instance-store.ts';

/** @param stored what was decided on; null at the start of an instance. */
export function transitionOf(
  outgoing: Pick<OutgoingMessages, 'ofEffects'>,
  partition: number,
  stored: StoredInstance | null,
  { state: after, history, effects }: StepResult,
): Transition {
  return {
    instanceId: after.instanceId,
    partition,
    before: stored?.state ?? null,
    expectedVersion: stored?.version ?? 0,
    after,
    history,
    effects,
    messages: outgoing.ofEffects(after, effects),
  };
}
