/** The figures of a report as a table in Markdown. */
import type { Cost } from '../engine/cost.ts';
import { type Figure, medianOf, type Report, type Setting, spreadOfValue } from './figures.ts';

const columns = [
  'load',
  'median',
  'lowest to highest',
  'p50 / p95 / p99 / max ms',
  'CPU s per 1,000 steps',
  'WAL bytes a step',
  'flushes a step',
  'records and ms a batch',
] as const;

export function tableOf(figures: readonly Figure[]): string {
  return markdown(columns, figures.map(rowOf));
}

/** CPU by process, in the order of what it costs in the first figure. */
export function cpuTableOf(figures: readonly Figure[]): string {
  const costed = figures.filter(({ runs }) => runs.some(({ cost }) => cost !== null && cost.steps > 0));
  const names = [...new Set(costed.flatMap(({ runs }) => runs.flatMap(({ cost }) => Object.keys(cost?.cpuSecondsPer1000StepsBy ?? {}))))];
  const rows = costed.map((figure) => [
    nameOf(figure),
    ...names.map((name) => format(medianOf(figure, ({ cost }) => cost?.cpuSecondsPer1000StepsBy[name]))),
  ]);
  return markdown(['CPU s per 1,000 steps', ...names], rows);
}

/** Resident memory in MiB at the end of a run: the largest of its runs. */
export function memoryTableOf(figures: readonly Figure[]): string {
  const names = [...new Set(figures.flatMap(({ runs }) => runs.flatMap(({ cost }) => Object.keys(cost?.rssMiB ?? {}))))];
  const rows = figures.map((figure) => [
    nameOf(figure),
    ...names.map((name) => format(Math.max(...figure.runs.map(({ cost }) => cost?.rssMiB[name] ?? 0)))),
  ]);
  return markdown(['MiB', ...names], rows);
}

/** The whole report. */
export function reportText(report: Report): string {
  const facts = Object.entries({ ...report.machine, ...report.versions, ...report.settings }).map(([name, value]) => `${name} ${value}`);
  const sessions = report.sessions.flatMap(({ setting, figures, failed }) => [
    `## ${titleOf(setting)}`,
    tableOf(figures),
    otherValuesOf(figures),
    cpuTableOf(figures),
    memoryTableOf(figures),
    ...failed.map(({ load, message }) => `${load} has no figure: ${message}`),
  ]);
  const floor = report.floor.length === 0 ? [] : ['## The floor', tableOf(report.floor)];
  const beside = report.beside.flatMap(({ name, figures, note }) => [
    `## ${name}`,
    markdown(
      ['load', 'values'],
      figures.map(({ load, values }) => [load, valuesText(values)]),
    ),
    note,
  ]);
  return `${[`# ${report.at}`, facts.join(' · '), ...sessions, ...floor, ...beside].filter((text) => text !== '').join('\n\n')}\n`;
}

export function titleOf({ partitions, isFlushed }: Setting): string {
  return `${partitions} partitions${isFlushed ? ', each record flushed to the disk' : ''}`;
}

export function nameOf({ load, variant }: Pick<Figure, 'load' | 'variant'>): string {
  return variant === '' ? load : `${load}, ${variant}`;
}

/** `stepsPerSecond` as people say it. */
export function unitOf(value: string): string {
  return value
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase()
    .replace(' per second', '/s')
    .replace(/(^| )(p\d+) ms$/, '$1$2 ms')
    .replace(/^ms per step$/, 'ms a step');
}

export function format(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function rowOf(figure: Figure): readonly string[] {
  const { median, lowest, highest } = spreadOfValue(figure, figure.main);
  const ofCost = (pick: (cost: Cost) => number): string => format(medianOf(figure, ({ cost }) => (cost === null ? undefined : pick(cost))));
  const latencies = (['p50', 'p95', 'p99', 'max'] as const).map((name) => format(medianOf(figure, ({ latencyMs }) => latencyMs?.[name])));
  return [
    nameOf(figure),
    `${format(median)} ${unitOf(figure.main)}`,
    figure.runs.length === 1 ? 'one run' : `${format(lowest)} to ${format(highest)}`,
    latencies.join(' / '),
    ofCost(({ cpuSecondsPer1000Steps }) => cpuSecondsPer1000Steps),
    ofCost(({ walBytesPerStep }) => walBytesPerStep),
    ofCost(({ flushesPerStep }) => flushesPerStep),
    `${ofCost(({ recordsPerBatch }) => recordsPerBatch)}, ${ofCost(({ databaseMsPerBatch }) => databaseMsPerBatch)}`,
  ];
}

/** What figures say beside their main value. */
function otherValuesOf(figures: readonly Figure[]): string {
  const rows = figures.flatMap((figure) => {
    const names = [...new Set(figure.runs.flatMap(({ values }) => Object.keys(values)))].filter((name) => name !== figure.main);
    if (names.length === 0) return [];
    return [[nameOf(figure), valuesText(Object.fromEntries(names.map((name) => [name, spreadOfValue(figure, name).median])))]];
  });
  return rows.length === 0 ? '' : markdown(['load', 'beside that, medians'], rows);
}

function valuesText(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${format(value)} ${unitOf(name)}`)
    .join(', ');
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
