/** Schedules in memory: what is decided on is loaded first; then everything is one transaction, since nothing waits. */
import { invariant } from '../../core/assert.ts';
import { parseCron } from '../../core/cron.ts';
import type { DefinitionId, EpochMs } from '../../core/ids.ts';
import { deployed, resumed } from '../../core/triggers/schedule.ts';
import type { AdvancedSchedule, DecideSchedule, ScheduleRunner, ScheduleStep } from '../instance-store.ts';
import { type DeployedSchedule, recentWith, type ScheduleName, type ScheduleRow } from '../schedules.ts';
import type { DeployedTriggers } from '../triggers.ts';
import { start, type WriteOptions } from './instances.ts';
import type { MemoryTables } from './tables.ts';

export async function advanceSchedule(
  tables: MemoryTables,
  options: WriteOptions,
  runner: ScheduleRunner,
  except: readonly ScheduleName[] = [],
): Promise<ScheduleStep> {
  const row = dueRow(tables, except);
  if (row === undefined) return { advanced: null, ...nextDue(tables) };
  const decide = await runner.prepare(row);
  // Another one took it, or a person changed it, while its definition was loaded.
  if (tables.schedules.get(keyOf(row)) !== row) return await advanceSchedule(tables, options, runner, except);
  const { state, entries } = decideAndStart(tables, options, decide, row);
  save(tables, { ...row, state, recent: recentWith(row, entries) });
  return { advanced: { row, entries }, ...nextDue(tables) };
}

function dueRow(tables: MemoryTables, except: readonly ScheduleName[]): ScheduleRow | undefined {
  const now = tables.now();
  return [...tables.schedules.values()].find((row) => {
    if (except.some(({ definitionId, name }) => definitionId === row.definitionId && name === row.name)) return false;
    const { next, running, queued } = row.state;
    const isDue = (next !== null && next <= now) || (running === null && queued.length > 0);
    return (isDue && !row.isPaused) || hasEnded(tables, row);
  });
}

function hasEnded(tables: MemoryTables, { state: { running } }: ScheduleRow): boolean {
  if (running === null) return false;
  const instance = tables.instances.get(running.instanceId);
  return instance === undefined || instance.state.endedAt !== null;
}

function nextDue(tables: MemoryTables): Pick<ScheduleStep, 'nextDueAt' | 'now'> {
  const now = tables.now();
  const times = [...tables.schedules.values()].flatMap(({ isPaused, state: { next } }) => (isPaused || next === null ? [] : [next]));
  const later = times.filter((time) => time > now);
  return { now, nextDueAt: later.length === 0 ? null : Math.min(...later) };
}

/** Decided anew when a start is refused: its time is told as failed then. */
function decideAndStart(tables: MemoryTables, options: WriteOptions, decide: DecideSchedule, row: ScheduleRow): AdvancedSchedule {
  const seen = { now: tables.now(), hasEnded: hasEnded(tables, row) };
  const refused = new Map<EpochMs, string>();
  const written = new Set<EpochMs>();
  for (;;) {
    const decided = decide({ ...seen, refused });
    const failure = decided.starts.find(({ time, start: one }) => {
      if (written.has(time)) return false;
      const [result] = start(tables, options, [one]);
      if (result?.kind === 'started') written.add(time);
      else refused.set(time, result?.kind === 'failed' ? `${result.error.code}: ${result.error.message}` : STARTED_BEFORE);
      return result?.kind !== 'started';
    });
    if (failure === undefined) return decided;
  }
}

const STARTED_BEFORE = 'an instance was started for this time before';

export function deploySchedules(tables: MemoryTables, { definitionId, version, schedules }: DeployedTriggers, isPaused: boolean): void {
  const before = new Map(schedulesOf(tables, definitionId).map((row) => [row.name, row]));
  for (const schedule of schedules) {
    const old = before.get(schedule.name);
    const state = deployed(cronOf(schedule), old?.state ?? null, tables.now());
    save(tables, { isPaused, recent: [], ...old, ...schedule, definitionId, version, state });
    before.delete(schedule.name);
  }
  for (const row of before.values()) tables.schedules.delete(keyOf(row));
}

/** @param name null: all of the definition. @returns whether there was one. */
export function switchSchedules(tables: MemoryTables, definitionId: DefinitionId, name: string | null, isPaused: boolean): boolean {
  const rows = schedulesOf(tables, definitionId).filter((row) => name === null || row.name === name);
  for (const row of rows) {
    if (row.isPaused === isPaused) continue;
    const { state, entries } = isPaused ? { state: row.state, entries: [] } : resumed(cronOf(row), row.state, tables.now());
    save(tables, { ...row, isPaused, state, recent: recentWith(row, entries) });
  }
  return rows.length > 0;
}

export function schedulesOf({ schedules }: MemoryTables, definitionId: DefinitionId): ScheduleRow[] {
  return [...schedules.values()].filter((row) => row.definitionId === definitionId).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function save({ schedules }: MemoryTables, row: ScheduleRow): void {
  schedules.set(keyOf(row), row);
}

function keyOf({ definitionId, name }: Pick<ScheduleRow, 'definitionId' | 'name'>): string {
  return `${definitionId} ${name}`;
}

function cronOf({ cron, timeZone }: Pick<DeployedSchedule, 'cron' | 'timeZone'>) {
  const parsed = parseCron(cron, timeZone);
  invariant(parsed.ok, 'the cron expression was read at the deploy');
  return parsed.value;
}
