/** Applies an event to the triggers of a definition: it starts an instance, it does not, or a trigger fails on it. Pure. */
import type { Definition } from '../definition/types.ts';
import { evaluateCondition } from '../expression/index.ts';
import { type ExternalEvent, eventView } from '../external-event.ts';
import type { EpochMs } from '../ids.ts';
import { boundedPayload, evaluating } from '../instance/expressions/evaluate.ts';
import type { TaskError } from '../instance/state/state.ts';
import type { RunLimits } from '../instance/view.ts';
import type { Json } from '../json.ts';
import { stringOf } from '../nodes/common/values.ts';
import type { InParts } from '../parts.ts';

/** An instance that a trigger wants started. */
export type TriggeredStart = { readonly trigger: string; readonly input: Json; readonly businessKey: string | null };

export type TriggerVerdict =
  | ({ readonly kind: 'start' } & TriggeredStart)
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failed'; readonly trigger: string; readonly error: TaskError };

const BUSINESS_KEY_LENGTH_MAX = 255;

/**
 * An event starts at most one instance of a definition, so the first trigger that it fits decides.
 * @param paused names of paused triggers.
 */
export function* startByEvent(
  { triggers }: Pick<Definition, 'triggers'>,
  paused: readonly string[],
  event: ExternalEvent,
  now: EpochMs,
  limits: RunLimits,
): InParts<TriggerVerdict> {
  const names = { event: eventView(event), now: new Date(now).toISOString() };
  let isFirst = true;
  for (const trigger of triggers) {
    if (trigger.kind !== 'event' || trigger.event !== event.type || paused.includes(trigger.name)) continue;
    // Each condition may take a tenth of a second.
    if (!isFirst) yield;
    isFirst = false;
    const { name, when, input, key } = trigger;
    const start = evaluating(() => {
      if (when !== null && !evaluateCondition(when, names)) return null;
      return {
        trigger: name,
        input: boundedPayload(limits, 'input', input.evaluate(names)),
        businessKey: key === null ? null : stringOf(key.evaluate(names), 'key', BUSINESS_KEY_LENGTH_MAX),
      };
    });
    if (!start.ok) return { kind: 'failed', trigger: name, error: start.error };
    if (start.value !== null) return { kind: 'start', ...start.value };
  }
  return { kind: 'nothing' };
}
