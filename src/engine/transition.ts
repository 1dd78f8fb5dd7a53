/** A decision of the core, ready to be written: with its version check and the encoded messages of its effects. */
import type { Definition } from '../core/definition/types.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { StepResult } from '../core/instance/step.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';
import type { HeldTask, StoredInstance, Transition } from '../store/instance-store.ts';
import { travellingState } from './continuation/travelling-state.ts';

export type TransitionOptions = {
  /** Whose tasks workers may go on after; absent: none. */
  readonly continued?: Definition | undefined;
  /** As in `Transition`. */
  readonly held?: HeldTask | null | undefined;
};

/** @param stored what was decided on; null at the start of an instance. */
export function transitionOf(
  outgoing: Pick<OutgoingMessages, 'ofEffects'>,
  partition: number,
  stored: StoredInstance | null,
  { state: after, history, effects }: Pick<StepResult, 'state' | 'history' | 'effects'>,
  { continued, held }: TransitionOptions = {},
): Transition {
  return {
    instanceId: after.instanceId,
    partition,
    before: stored?.state ?? null,
    expectedVersion: stored?.version ?? 0,
    after,
    history,
    effects,
    messages: outgoing.ofEffects(after, effects, continued === undefined ? null : continuationWith(continued, after, effects)),
    ...(held === undefined ? {} : { held }),
  };
}

function continuationWith(definition: Definition, state: InstanceState, effects: readonly Effect[]): string | null {
  const dispatched = effects.find((effect) => effect.type === 'dispatchTask');
  return dispatched === undefined ? null : travellingState(definition, state, dispatched.path);
}
