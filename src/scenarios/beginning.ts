/** With what a scenario's instance starts: with the input that the scenario gives, or with what a trigger makes of an event or a time. */
import type { Definition } from '../core/definition/types.ts';
import { parseInstant } from '../core/duration.ts';
import type { ExternalEvent } from '../core/external-event.ts';
import type { EpochMs } from '../core/ids.ts';
import { defaultRunLimits } from '../core/instance/index.ts';
import type { Json } from '../core/json.ts';
import { toEnd } from '../core/parts.ts';
import { err, ok, type Result } from '../core/result.ts';
import { startByEvent } from '../core/triggers/event-start.ts';
import { inputAt } from '../core/triggers/schedule-start.ts';
import type { Scenario, ScenarioEvent, TriggerStart } from './format.ts';
import type { Refusal } from './simulation.ts';

export type Given = { readonly input: Json; readonly businessKey: string | null; readonly startedBy: string };

export function beginningOf(definition: Definition, scenario: Scenario, now: EpochMs): Result<Given, Refusal> {
  const { input = {}, businessKey = null, startedBy = 'tester', trigger } = scenario;
  return trigger === undefined ? ok({ input, businessKey, startedBy }) : byTrigger(definition, trigger, now);
}

function byTrigger(definition: Definition, { event, schedule }: TriggerStart, now: EpochMs): Result<Given, Refusal> {
  if (event !== undefined) return byEvent(definition, externalEvent(event, { id: 'event', time: now }), now);
  const trigger = definition.triggers.find(({ name }) => name === schedule);
  if (trigger?.kind !== 'schedule') throw new Error(`Bug: the reader lets "${schedule}" pass, which is no schedule`);
  const input = inputAt(trigger, now, now, defaultRunLimits);
  if (!input.ok) return err({ code: 'MR_TRIGGER_FAILED', message: `The trigger "${trigger.name}": ${input.error.message}` });
  return ok({ input: input.value, businessKey: null, startedBy: `trigger:${trigger.name}` });
}

function byEvent(definition: Definition, event: ExternalEvent, now: EpochMs): Result<Given, Refusal> {
  const verdict = toEnd(startByEvent(definition, [], event, now, defaultRunLimits));
  switch (verdict.kind) {
    case 'nothing':
      return err({ code: 'NO_TRIGGER', message: `No trigger of the definition takes this event of the type "${event.type}".` });
    case 'failed':
      return err({ code: 'MR_TRIGGER_FAILED', message: `The trigger "${verdict.trigger}": ${verdict.error.message}` });
    case 'start':
      return ok({ input: verdict.input, businessKey: verdict.businessKey, startedBy: `trigger:${verdict.trigger}` });
  }
}

/** @param fallback id and time of an event that gives none. */
export function externalEvent(given: ScenarioEvent, fallback: { readonly id: string; readonly time: EpochMs }): ExternalEvent {
  const { type, key, data = null, source = 'scenario', id = fallback.id, time } = given;
  return { type, key, data, source, id, time: time === undefined ? fallback.time : (parseInstant(time) ?? null) };
}
