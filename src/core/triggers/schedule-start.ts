/** The input of a schedule's run. Pure. */
import type { ScheduleTrigger } from '../definition/triggers/types.ts';
import type { EpochMs } from '../ids.ts';
import { boundedPayload, type Evaluated, evaluating } from '../instance/expressions/evaluate.ts';
import type { RunLimits } from '../instance/view.ts';
import type { Json } from '../json.ts';

/** @param time for which it runs, which may be earlier than `now`. */
export function inputAt({ name, timeZone, input }: ScheduleTrigger, time: EpochMs, now: EpochMs, limits: RunLimits): Evaluated<Json> {
  const schedule = { name, time: new Date(time).toISOString(), timeZone };
  return evaluating(() => boundedPayload(limits, 'input', input.evaluate({ schedule, now: new Date(now).toISOString() })));
}
