/**
 * `npm run bench -- P1 P2 P3 --json FILE`: brings up a stack of its own on free ports with an engine on it, measures, and takes
 * everything down. Progress goes to stderr, the tables to stdout, each figure to the JSON file. See bench/README.md.
 */
import { writeFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { runBeside } from './beside/beside.ts';
import { measureFloor } from './floor/run.ts';
import { type LoadName, type Options, readOptions, settingsOf } from './options.ts';
import { machineFacts, settingFacts, versionFacts } from './report/facts.ts';
import { type Beside, type Figure, type Report, runsTogether, type Session } from './report/figures.ts';
import { writePlots } from './report/plots.ts';
import { writeProfileTables } from './report/profile.ts';
import { format, nameOf, reportText, unitOf } from './report/table.ts';
import { runSession } from './session.ts';

/** What is measured again on each further stack. */
const loadsOfOtherStacks: ReadonlySet<LoadName> = new Set(['P1', 'P2', 'P3']);

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    // Commander has said what is wrong, or given its help.
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const report = await measureAll(options);
  if (options.profile !== null) say(`The tables of the profiles are in ${writeProfileTables(options.profile)}`);
  if (options.plots !== null) say(`Plots: ${writePlots(options.plots, report).join(', ')}`);
  process.stdout.write(reportText(report));
  return report.sessions.some(({ failed }) => failed.length > 0) ? 1 : 0;
}

/** The floor, each stack, what is beside, and the floor again; the JSON file has what is there at any time. */
async function measureAll(options: Options): Promise<Report> {
  const at = new Date().toISOString();
  const facts = { at, machine: machineFacts(), versions: versionFacts(), settings: settingFacts(options), options: { ...options } };
  const sessions: Session[] = [];
  const beside: Beside[] = [];
  let floor: readonly Figure[] = [];
  const report = (): Report => ({ ...facts, sessions, floor, beside });
  const save = (): void => {
    if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(report(), null, 1)}\n`);
  };
  const addFloor = async (): Promise<void> => {
    if (!options.floor) return;
    floor = runsTogether([...floor, ...(await measureFloor(options, say))]);
    save();
  };
  await addFloor();
  for (const [n, setting] of settingsOf(options).entries()) {
    const names = n === 0 ? options.loads : options.loads.filter((name) => loadsOfOtherStacks.has(name));
    // The search is for the stack that everything is measured on.
    const ofStack = n === 0 ? options : { ...options, searchTrials: 0 };
    if (names.length === 0) continue;
    const underWay: Figure[] = [];
    const place = sessions.push({ setting, figures: underWay, failed: [] }) - 1;
    sessions[place] = await runSession(ofStack, setting, names, say, (figure) => {
      underWay.push(figure);
      sayFigure(figure);
      save();
    });
  }
  for (const folder of options.beside) {
    beside.push(...(await runBeside(folder, { seconds: options.besideSeconds, runs: options.besideRuns }, say)));
    save();
  }
  await addFloor();
  save();
  return report();
}

function say(text: string): void {
  process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
}

function sayFigure(figure: Figure): void {
  const values = figure.runs.map(({ values }) => format(values[figure.main] ?? null)).join(', ');
  say(`  ${nameOf(figure)}: ${values} ${unitOf(figure.main)}`);
}
