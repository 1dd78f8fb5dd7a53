/** A decision of the core, ready to be written: with its version check and the encoded messages of its effects. */
import type { Definition } from '../core/definition/types.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { StepResult } from '../core/instance/step.ts';
import type { OutboxMessage } from '../core/outbox-message.ts';
import { type InParts, toEnd } from '../core/parts.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { HeldChange, StoredInstance, Transition } from '../store/instance-store.ts';
import { travellingState } from './continuation/travelling-state.ts';

/** A message of a task may be large, and is encoded at once. */
const EFFECTS_AT_ONCE = 100;

export type TransitionOptions = {
  /** What goes with its task to whoever goes on after it, as `continuationWith` gives it; absent or null: nothing. */
  readonly continuation?: string | null;
  /** As in `Transition`. */
  readonly held?: HeldChange | undefined;
};

/** @param stored what was decided on; null at the start of an instance. */
export function transitionOf(...given: Parameters<typeof transitionInParts>): Transition {
  return toEnd(transitionInParts(...given));
}

/** As `transitionOf`. */
export function* transitionInParts(
  outgoing: Pick<OutgoingMessages, 'ofEffects'>,
  partition: number,
  stored: StoredInstance | null,
  { state: after, history, effects }: Pick<StepResult, 'state' | 'history' | 'effects'>,
  { continuation = null, held }: TransitionOptions = {},
): InParts<Transition> {
  const messages: OutboxMessage[] = [];
  for (let at = 0; at < effects.length; at += EFFECTS_AT_ONCE) {
    if (at > 0) yield;
    messages.push(...outgoing.ofEffects(after, effects.slice(at, at + EFFECTS_AT_ONCE), continuation));
  }
  return {
    instanceId: after.instanceId,
    partition,
    before: stored?.state ?? null,
    expectedVersion: stored?.version ?? 0,
    after,
    history,
    effects,
    messages,
    ...(held === undefined ? {} : { held }),
  };
}

/** @param definition the one whose tasks workers may go on after; undefined: they may not. */
export function continuationWith(definition: Definition | undefined, state: InstanceState, effects: readonly Effect[]): string | null {
  if (definition === undefined) return null;
  const dispatched = effects.find((effect) => effect.type === 'dispatchTask');
  return dispatched === undefined ? null : travellingState(definition, state, dispatched.path);
}
