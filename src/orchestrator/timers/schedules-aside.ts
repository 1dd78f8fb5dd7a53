/**
 * Schedules that could not be decided, since their definition could not be loaded: each is left alone for a while, so that the others
 * go on, and tried again with a growing delay. This process remembers them; whoever runs the engine sees them by a metric and in the log.
 */
import type { Logger } from '../../service/logging.ts';
import type { ScheduleName, ScheduleRow } from '../../store/schedules.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

type Aside = ScheduleName & { readonly retryAt: number; readonly delayMs: number };

export class SchedulesAside {
  readonly #aside = new Map<string, Aside>();
  readonly #log: Pick<Logger, 'error' | 'info'>;
  readonly #nowMs: () => number;

  /** @param nowMs of a clock that never goes back. */
  constructor(log: Pick<Logger, 'error' | 'info'>, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** All of them, also those that are about to be tried again. */
  get all(): readonly ScheduleName[] {
    return [...this.#aside.values()];
  }

  /** Those whose time to be tried again has not come. */
  get waiting(): readonly ScheduleName[] {
    const now = this.#nowMs();
    return [...this.#aside.values()].filter(({ retryAt }) => retryAt > now);
  }

  /** Ms until one of them is tried again; null: there is none. */
  get nextMs(): number | null {
    const now = this.#nowMs();
    const all = [...this.#aside.values()].map(({ retryAt }) => Math.max(0, retryAt - now));
    return all.length === 0 ? null : Math.min(...all);
  }

  set({ definitionId, name, version }: ScheduleRow, error: unknown): void {
    const key = keyOf({ definitionId, name });
    const before = this.#aside.get(key);
    const delayMs = before === undefined ? FIRST_MS : Math.min(LONGEST_MS, before.delayMs * 2);
    this.#aside.set(key, { definitionId, name, delayMs, retryAt: this.#nowMs() + delayMs });
    const of = { definition: definitionId, version, schedule: name };
    this.#log.error({ err: error, ...of, retryInMs: delayMs }, 'A schedule is set aside: its definition cannot be loaded');
  }

  /** It was decided. */
  clear(row: ScheduleName): void {
    if (!this.#aside.delete(keyOf(row))) return;
    this.#log.info({ definition: row.definitionId, schedule: row.name }, 'A schedule that was set aside goes on');
  }
}

function keyOf({ definitionId, name }: ScheduleName): string {
  return `${definitionId}\n${name}`;
}
