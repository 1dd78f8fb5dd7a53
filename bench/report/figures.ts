/** What a benchmark found, in the form of the JSON file: figures of several runs, and what they were taken on and with. */
import type { Cost } from '../engine/cost.ts';
import { type LatencySummary, median, type Spread, spreadOf } from '../statistics.ts';

export type Run = {
  /** Named with their units. */
  readonly values: Readonly<Record<string, number>>;
  readonly latencyMs: LatencySummary | null;
  readonly cost: Cost | null;
};

export type Figure = {
  readonly load: string;
  /** What is different from the plain load: `continued`, `10/s`; empty for the plain one. */
  readonly variant: string;
  /** The one of the values that is told first. */
  readonly main: string;
  readonly runs: readonly Run[];
};

/** The stack that figures were taken on. */
export type Setting = { readonly partitions: number; readonly isFlushed: boolean };

export type Session = {
  readonly setting: Setting;
  readonly figures: readonly Figure[];
  /** Loads that ended by an error, which the others do not suffer from. */
  readonly failed: readonly { readonly load: string; readonly message: string }[];
};

/** Another engine or a floor that was measured in the same session. */
export type Beside = { readonly name: string; readonly figures: readonly BesideFigure[]; readonly note: string };
export type BesideFigure = { readonly load: string; readonly values: Readonly<Record<string, number>> };

export type Report = {
  readonly at: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly sessions: readonly Session[];
  readonly floor: readonly Figure[];
  readonly beside: readonly Beside[];
};

/** Throws when no run has the value. */
export function spreadOfValue({ load, variant, runs }: Figure, name: string): Spread {
  const values = runs.flatMap(({ values }) => values[name] ?? []);
  if (values.length === 0) throw new Error(`No run of ${load} ${variant} has the value ${name}.`);
  return spreadOf(values);
}

/** The median over the runs that have it; null: none has. */
export function medianOf(figure: Figure, pick: (run: Run) => number | undefined): number | null {
  const values = figure.runs.flatMap((run) => pick(run) ?? []);
  return values.length === 0 ? null : median(values);
}

/** Figures of the same load and variant as one, with the runs of all of them. */
export function runsTogether(figures: readonly Figure[]): readonly Figure[] {
  const groups = Map.groupBy(figures, ({ load, variant }) => `${load}\n${variant}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, runs: group.flatMap(({ runs }) => runs) }];
  });
}
