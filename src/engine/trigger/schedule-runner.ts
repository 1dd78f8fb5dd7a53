/**
 * Decides what a schedule does whose time has come, or whose run has ended. The store calls it under the lock of the schedule's
 * row. The start of a run is written in the same transaction as the row.
 */
import { invariant } from '../../core/assert.ts';
import { parseCron } from '../../core/cron.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { EpochMs } from '../../core/ids.ts';
import { advance, type Begun } from '../../core/triggers/schedule.ts';
import { inputAt } from '../../core/triggers/schedule-start.ts';
import type { ScheduleRunner, Start } from '../../store/instance-store.ts';
import type { ScheduleRow } from '../../store/schedules.ts';
import { definitionOrReason, type ReadyDefinitions } from '../ready-definitions.ts';
import { type DecidingDependencies, decideStart, refusalText } from '../start/decide-start.ts';

export type ScheduleRunnerDependencies = DecidingDependencies & { readonly definitions: ReadyDefinitions };

export function createScheduleRunner(dependencies: ScheduleRunnerDependencies): ScheduleRunner {
  return {
    async prepare(row) {
      const definition = await definitionOrReason(dependencies.definitions, row);
      // When it is decided again, since one start was refused, the others stay the same.
      const made = new Map<EpochMs, Start | string>();
      return ({ now, hasEnded, refused }) => {
        const cron = parseCron(row.cron, row.timeZone);
        invariant(cron.ok, 'the cron expression was deployed');
        const starts: { readonly time: EpochMs; readonly start: Start }[] = [];
        const begin = (time: EpochMs): Begun => {
          const run = refused.get(time) ?? made.get(time) ?? startOf(dependencies, definition, row, time, now);
          made.set(time, run);
          if (typeof run === 'string') return { kind: 'failed', reason: run };
          starts.push({ time, start: run });
          return { kind: 'started', instanceId: run.transition.instanceId };
        };
        const rules = { cron: cron.value, overlap: row.overlap, catchUp: row.catchUp };
        return { ...advance(rules, row.state, now, { hasEnded, isPaused: row.isPaused }, begin), starts };
      };
    },
  };
}

/** @returns the reason why there is none. */
function startOf(
  dependencies: DecidingDependencies,
  definition: Definition | string,
  { name }: ScheduleRow,
  time: EpochMs,
  now: EpochMs,
): Start | string {
  if (typeof definition === 'string') return definition;
  const trigger = definition.triggers.find((each) => each.name === name);
  invariant(trigger?.kind === 'schedule', 'the version that the row names has the schedule');
  const input = inputAt(trigger, time, now, dependencies.limits);
  if (!input.ok) return `${input.error.code}: ${input.error.message}`;
  const at = new Date(time).toISOString();
  const wanted = { input: input.value, businessKey: null, by: `trigger:${name}`, cause: `schedule:${name}@${at}` };
  const decided = decideStart(dependencies, definition, wanted);
  if (!('start' in decided)) return refusalText(decided);
  return { transition: decided.start, idempotency: { key: `schedule\n${name}\n${at}`, bodyHash: '' } };
}
