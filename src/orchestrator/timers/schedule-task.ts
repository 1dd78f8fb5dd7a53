/** Runs schedules whose time has come by the database's clock, or whose run has ended: each taken by one process only. */
import { assertNever } from '../../core/assert.ts';
import { LATE_MS, type ScheduleEntry } from '../../core/triggers/schedule.ts';
import type { Logger } from '../../service/logging.ts';
import type { InstanceStore, ScheduleRunner } from '../../store/instance-store.ts';
import type { ScheduleRow } from '../../store/schedules.ts';
import type { SchedulesAside } from './schedules-aside.ts';

export type ScheduleTaskOptions = {
  readonly store: Pick<InstanceStore, 'advanceSchedule'>;
  readonly runner: ScheduleRunner;
  /** Longest wait between two queries, and so the longest time until an end is noticed. */
  readonly intervalMs: number;
  readonly log: Logger;
  /** Of this process. */
  readonly aside: SchedulesAside;
  /** @param result `started`, `late`, `queued`, `skipped`, `missed`, `paused` or `failed`. */
  readonly onTime: (definition: string, result: string, count: number) => void;
};

/** The next schedule may be locked by another process, which runs it, so an immediate query would find nothing. */
const PAUSE_MS_MIN = 10;

/** @returns the task for `service.repeat`, which resolves with the ms to wait. */
export function createScheduleTask({ store, runner, intervalMs, log, aside, onTime }: ScheduleTaskOptions): () => Promise<number> {
  return async () => {
    const attempt = attemptOf(runner);
    const step = await store.advanceSchedule(attempt.runner, aside.waiting).catch((error: unknown) => {
      const { failed } = attempt;
      if (failed === null) throw error;
      aside.set(failed, error);
      return null;
    });
    // Others may be due.
    if (step === null) return 0;
    const { advanced, nextDueAt, now } = step;
    if (advanced === null) {
      const waits = [intervalMs, ...(nextDueAt === null ? [] : [nextDueAt - now]), aside.nextMs ?? intervalMs];
      return Math.max(PAUSE_MS_MIN, Math.min(...waits));
    }
    aside.clear(advanced.row);
    for (const entry of advanced.entries) tell(advanced.row, entry, { log, onTime });
    return 0;
  };
}

/** The runner, and the schedule that it could not prepare. Errors of the database are those of all schedules. */
function attemptOf(runner: ScheduleRunner): { readonly runner: ScheduleRunner; readonly failed: ScheduleRow | null } {
  let failed: ScheduleRow | null = null;
  return {
    get failed() {
      return failed;
    },
    runner: {
      async prepare(row) {
        failed = row;
        const decide = await runner.prepare(row);
        failed = null;
        return (seen) => {
          failed = row;
          const decided = decide(seen);
          failed = null;
          return decided;
        };
      },
    },
  };
}

/** A time that did not run as scheduled is logged, with the definition and the time, and counted. */
function tell(
  { definitionId: definition, name: schedule }: ScheduleRow,
  entry: ScheduleEntry,
  { log, onTime }: Pick<ScheduleTaskOptions, 'log' | 'onTime'>,
): void {
  const of = { definition, schedule, time: new Date(entry.time).toISOString() };
  switch (entry.what) {
    case 'started': {
      const isLate = entry.lateMs > LATE_MS;
      onTime(definition, isLate ? 'late' : 'started', 1);
      if (isLate) log.warn({ ...of, lateMs: entry.lateMs, instanceId: entry.instanceId }, 'A schedule ran late');
      return;
    }
    case 'queued':
      onTime(definition, 'queued', 1);
      return;
    case 'skipped':
      onTime(definition, 'skipped', 1);
      log.warn(of, 'A time of a schedule was skipped, since the run before it goes on');
      return;
    case 'failed':
      onTime(definition, 'failed', 1);
      log.error({ ...of, reason: entry.reason }, 'A run of a schedule could not be started');
      return;
    case 'missed':
    case 'paused': {
      const { what, until, count } = entry;
      onTime(definition, what, count ?? 1);
      const words =
        what === 'missed' ? 'Times of a schedule were missed: no orchestrator ran' : 'Times of a schedule passed while it was paused';
      log.warn({ ...of, until: new Date(until).toISOString(), ...(count === null ? {} : { count }) }, words);
      return;
    }
    default:
      assertNever(entry);
  }
}
