/** The plots of a report: throughput and latency beside the floor and others, and CPU by process. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, medianOf, type Report, type Session, spreadOfValue } from './figures.ts';
import { type Bar, barChart, stackedChart } from './svg.ts';
import { nameOf } from './table.ts';

/** Writes what the figures are there for. @returns the files' names. */
export function writePlots(folder: string, report: Report): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const plots = Object.entries(plotsOf(report));
  for (const [name, svg] of plots) writeFileSync(join(folder, name), svg);
  return plots.map(([name]) => name);
}

/** By file name. */
export function plotsOf(report: Report): Readonly<Record<string, string>> {
  const when = `${report.machine.cores} cores, ${report.at.slice(0, 10)}`;
  const plots: [string, string][] = [];
  const compare = (file: string, title: string, unit: string, load: string, value: string, peers: string): void => {
    const bars = [...ourBars(report, load, value), ...floorBars(report, load, value), ...besideBars(report, peers, value)];
    if (bars.length > 0) plots.push([file, barChart(`${title} (${when})`, unit, bars)]);
  };
  compare('p1.svg', 'P1: one task', 'completed instances a second', 'P1', 'instancesPerSecond', 'P1');
  compare('p2.svg', 'P2: ten tasks in sequence', 'steps a second', 'P2', 'stepsPerSecond', 'P2');
  compare('p2-slow.svg', 'P2: ten tasks in sequence, ten starts a second', 'ms from start to end, median', 'P2, 10/s', 'p50Ms', 'P2, 10/s');
  compare('p3.svg', 'P3: one instance at a time', 'ms a step, median', 'P3', 'msPerStep', 'P3');
  const costed = (report.sessions[0]?.figures ?? []).filter(
    ({ load, runs }) => /^P\d/.test(load) && runs.some(({ cost }) => (cost?.steps ?? 0) > 0),
  );
  const cpu = costed.filter(({ variant, load }) => !variant.includes('highest') && load !== 'P9' && load !== 'P10');
  if (cpu.length > 0) plots.push(['cpu.svg', stackedChart(`Where the CPU goes (${when})`, 'CPU seconds for 1,000 steps', cpu.map(cpuBar))]);
  const flat = figuresOf(report, 'flat');
  if (flat.length > 0)
    plots.push([
      'flat.svg',
      barChart(
        `P2 with instances parked (${when})`,
        'CPU seconds for 1,000 steps',
        flat.map((figure) => bar(figure, figure.main, true)),
      ),
    ]);
  return Object.fromEntries(plots);
}

function figuresOf(report: Report, load: string): readonly Figure[] {
  return report.sessions.flatMap(({ figures }) => figures).filter((figure) => figure.load === load);
}

/** Figures whose name begins with `load` and that have the value; those of further stacks say which stack. */
function ourBars({ sessions }: Report, load: string, value: string): readonly Bar[] {
  return sessions.flatMap((session, n) =>
    session.figures
      .filter((figure) => isOf(figure, load) && figure.main === value)
      .map((figure) => ({
        ...bar(figure, value, true),
        label: `Millrace${variantText(figure, load)}${n === 0 ? '' : ` (${stackText(session)})`}`,
      })),
  );
}

function floorBars({ floor }: Report, load: string, value: string): readonly Bar[] {
  return floor
    .filter((figure) => isOf(figure, `floor ${load}`) && figure.main === value)
    .map((figure) => ({ ...bar(figure, value, false), label: `floor${variantText(figure, `floor ${load}`)}` }));
}

function besideBars({ beside }: Report, load: string, value: string): readonly Bar[] {
  return beside.flatMap(({ name, figures }) =>
    figures
      .filter((figure) => figure.load === load || figure.load === `${load}, continued`)
      .flatMap((figure) => {
        const found = figure.values[value];
        return found === undefined ? [] : [{ label: `${name}${figure.load.slice(load.length)}`, value: found, isOurs: false }];
      }),
  );
}

function isOf(figure: Figure, load: string): boolean {
  const name = nameOf(figure);
  return name === load || name.startsWith(`${load}, `);
}

/** `P2, 10/s, continued` beyond `P2, 10/s`. */
function variantText(figure: Figure, load: string): string {
  return nameOf(figure).slice(load.length);
}

function stackText({ setting: { partitions, isFlushed } }: Session): string {
  return `${partitions} partitions${isFlushed ? ', flushed' : ''}`;
}

function bar(figure: Figure, value: string, isOurs: boolean): Bar {
  const { median, lowest, highest } = spreadOfValue(figure, value);
  return { label: nameOf(figure), value: median, lowest, highest, isOurs };
}

function cpuBar(figure: Figure) {
  const names = [...new Set(figure.runs.flatMap(({ cost }) => Object.keys(cost?.cpuSecondsPer1000StepsBy ?? {})))].sort();
  const parts = names.map((name) => ({ name, value: medianOf(figure, ({ cost }) => cost?.cpuSecondsPer1000StepsBy[name]) ?? 0 }));
  return { label: nameOf(figure), parts };
}
