/** Schedules as the instance database keeps them. */
import type { CatchUp, Overlap } from '../core/definition/triggers/types.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { ScheduleEntry, ScheduleState } from '../core/triggers/schedule.ts';

export type DeployedSchedule = {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
};

export type ScheduleRow = DeployedSchedule & {
  readonly definitionId: DefinitionId;
  readonly version: number;
  readonly isPaused: boolean;
  readonly state: ScheduleState;
  /** Results of the latest times, the newest last. */
  readonly recent: readonly ScheduleEntry[];
};

export type ScheduleName = Pick<ScheduleRow, 'definitionId' | 'name'>;

/** The triggers of the newest version of a definition, as people read them. */
export type TriggersRow = {
  readonly definitionId: DefinitionId;
  readonly version: number;
  /** All of them, also those of versions to come. */
  readonly isPaused: boolean;
  /** Triggers by event that are off by themselves. */
  readonly pausedNames: readonly string[];
  readonly schedules: readonly ScheduleRow[];
};

const RECENT_MAX = 20;

export function recentWith(row: ScheduleRow, entries: readonly ScheduleEntry[]): readonly ScheduleEntry[] {
  return [...row.recent, ...entries].slice(-RECENT_MAX);
}
