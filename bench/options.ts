/**
 * The command line of the benchmarks: what it takes, its defaults and what it refuses. An argument that makes no sense ends the
 * command before anything is started.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Setting } from './report/figures.ts';

export const loadNames = ['idle', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'wide', 'flat', 'churn'] as const;
export type LoadName = (typeof loadNames)[number];

/** Without names, those that show whether a change is faster. The others are long, or leave much behind. */
const usualLoads: readonly LoadName[] = ['P1', 'P2', 'P3'];

export type Switch = 'on' | 'off' | 'both';

export type Options = {
  readonly loads: readonly LoadName[];
  readonly runs: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly continuation: Switch;
  /** Orchestrators send tasks themselves, for the whole session. */
  readonly direct: boolean;
  /** A stack of its own for each. */
  readonly partitions: readonly number[];
  readonly flush: Switch;
  readonly inFlight: number;
  /** Trials of the search for the highest rate; 0: no search. */
  readonly searchTrials: number;
  readonly processes: number;
  readonly pollIntervalMs: number;
  /** Multiplies how much P5, P6, P7 and wide do; their rates stay. */
  readonly scale: number;
  /** How many instances are parked before each measurement of `flat`. */
  readonly parked: readonly number[];
  readonly soakSeconds: number;
  readonly churnSeconds: number;
  /** Settings that P9 changes, one at a time. */
  readonly ablations: readonly Ablation[];
  readonly env: Readonly<Record<string, string>>;
  readonly floor: boolean;
  readonly beside: readonly string[];
  readonly besideSeconds: number;
  readonly besideRuns: number;
  readonly json: string | null;
  readonly plots: string | null;
  readonly profile: string | null;
  readonly logs: string | null;
};

export type Ablation = { readonly name: string; readonly value: string };

const defaultAblations: readonly Ablation[] = [
  { name: 'MILLRACE_STATE_CACHE_BYTES', value: '0' },
  { name: 'MILLRACE_CONNECTOR_POLL_INTERVAL', value: '10ms' },
  { name: 'MILLRACE_CONCURRENCY', value: '8' },
];

/** Folders of other engines and floors to measure in the same session, separated by colons. */
export const besideVariable = 'MILLRACE_BENCH_BESIDE';

/** Throws commander's `CommanderError` for arguments that cannot be meant. */
export function readOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options {
  const command = new Command('bench')
    .description('Measures Millrace on a stack of its own; everything is on this machine.')
    .argument('[loads...]', `what to measure: ${loadNames.join(', ')}`, toLoads, usualLoads)
    .option('--runs <n>', 'runs of each', toWhole(1, 100), 3)
    .option('--seconds <n>', 'length of a run', toNumber(1, 3_600), 15)
    .option('--warm-up <n>', 'seconds of load before the first run', toNumber(0, 600), 60)
    .addOption(switchOption('--continuation <which>', 'workers go on by themselves'))
    .option('--direct', 'orchestrators send tasks themselves after their commit', false)
    .option('--partitions <list>', 'partitions of the topics, a stack for each', toList(toWhole(1, 1_000)), [8])
    .addOption(switchOption('--flush <which>', 'Kafka flushes each record to the disk'))
    .option('--in-flight <n>', 'instances under way where throughput is measured', toWhole(1, 100_000), 400)
    .option('--search-trials <n>', 'trials to find the highest rate in P1 and P2; 0: none', toWhole(0, 20), 5)
    .option('--processes <n>', 'orchestrators and workers, each', toWhole(1, 16), 1)
    .option('--poll-interval <ms>', 'how often Debezium looks', toWhole(1, 60_000), 2)
    .option('--scale <factor>', 'how much P5, P6, P7 and wide do, of the whole', toNumber(0.001, 10), 1)
    .option('--parked <list>', 'instances that are parked in "flat"', toList(toWhole(0, 10_000_000)), [10_000, 100_000])
    .option('--soak <n>', 'seconds of P10', toNumber(10, 604_800), 600)
    .option('--churn <n>', 'seconds of "churn"', toNumber(6, 86_400), 120)
    .option('--ablate <NAME=VALUE>', 'a setting that P9 changes; may be repeated', toAblations)
    .option('--env <NAME=VALUE>', 'a setting of all processes; may be repeated', toAblations)
    .option('--floor', 'measure the floor of bench/floor before and after', false)
    .option('--beside <dir...>', `folders with a run.sh to measure as well (or ${besideVariable})`)
    .option('--beside-seconds <n>', 'length of a run of those', toNumber(1, 600), 15)
    .option('--beside-runs <n>', 'runs of each of those', toWhole(1, 100), 1)
    .option('--json <file>', 'write every figure there')
    .option('--plots <dir>', 'write plots there')
    .option('--profile <dir>', 'write a CPU profile of each process there, and a table of them')
    .option('--logs <dir>', 'keep the logs there')
    .exitOverride();
  command.parse(args, { from: 'user' });
  const given = command.opts<Record<string, unknown>>();
  const beside = (given.beside as readonly string[] | undefined) ?? (env[besideVariable] ?? '').split(':').filter(Boolean);
  return {
    loads: (command.processedArgs[0] as readonly LoadName[] | undefined) ?? usualLoads,
    ...(given as Pick<
      Options,
      'runs' | 'seconds' | 'warmUp' | 'continuation' | 'direct' | 'partitions' | 'flush' | 'inFlight' | 'searchTrials'
    >),
    ...(given as Pick<Options, 'processes' | 'scale' | 'parked' | 'floor' | 'besideSeconds' | 'besideRuns'>),
    pollIntervalMs: given.pollInterval as number,
    soakSeconds: given.soak as number,
    churnSeconds: given.churn as number,
    ablations: (given.ablate as readonly Ablation[] | undefined) ?? defaultAblations,
    env: Object.fromEntries(((given.env as readonly Ablation[] | undefined) ?? []).map(({ name, value }) => [name, value])),
    beside,
    json: (given.json as string | undefined) ?? null,
    plots: (given.plots as string | undefined) ?? null,
    profile: (given.profile as string | undefined) ?? null,
    logs: (given.logs as string | undefined) ?? null,
  };
}

function switchOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(['off', 'on', 'both']).default('off');
}

/** What a switch stands for. */
export function valuesOf(which: Switch): readonly boolean[] {
  if (which === 'both') return [false, true];
  return [which === 'on'];
}

/** A stack for each number of partitions; where both are asked for, one more of the first number that flushes each record. */
export function settingsOf({ partitions, flush }: Pick<Options, 'partitions' | 'flush'>): readonly Setting[] {
  const [isFirstFlushed = false, ...others] = valuesOf(flush);
  const settings = partitions.map((count) => ({ partitions: count, isFlushed: isFirstFlushed }));
  return [...settings, ...partitions.slice(0, 1).flatMap((count) => others.map((isFlushed) => ({ partitions: count, isFlushed })))];
}

/** Commander gives the arguments one by one, with what came of those before; the first one replaces the default. */
function toLoads(text: string, before: readonly LoadName[]): readonly LoadName[] {
  const name = loadNames.find((each) => each.toLowerCase() === text.toLowerCase());
  if (name === undefined) throw new InvalidArgumentError(`There is no load "${text}"; there are ${loadNames.join(', ')}.`);
  return before === usualLoads ? [name] : [...new Set([...before, name])];
}

function toNumber(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= lowest && value <= highest))
      throw new InvalidArgumentError(`It must be a number from ${lowest} to ${highest}.`);
    return value;
  };
}

function toWhole(lowest: number, highest: number): (text: string) => number {
  const read = toNumber(lowest, highest);
  return (text) => {
    const value = read(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
    return value;
  };
}

function toList<Value>(read: (text: string) => Value): (text: string) => readonly Value[] {
  return (text) => text.split(',').map(read);
}

function toAblations(text: string, before: readonly Ablation[] = []): readonly Ablation[] {
  const { name, value } = /^(?<name>[A-Z][A-Z0-9_]*)=(?<value>.*)$/s.exec(text)?.groups ?? {};
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return [...before, { name, value }];
}
