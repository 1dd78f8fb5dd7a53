/** test: scenarios of definitions, on the pure core, without a stack. */
import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { Coverage } from '../../scenarios/coverage.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { paint, print, printable, printJson } from '../output.ts';
import type { RunFiles } from '../scenario-files.ts';

type Options = {
  readonly filter?: string;
  readonly junit?: string;
  readonly minCoverage?: number;
  readonly json?: boolean;
};

export function addTestCommand(program: Command): void {
  program
    .command('test')
    .description('Run scenarios of definitions (*.scenario.json), without a stack')
    .argument('[paths...]', 'scenario files, or folders with some; default: the working directory')
    .option('--filter <text>', 'only scenarios whose names contain this')
    .option('--junit <file>', 'write the results as JUnit XML too')
    .option('--min-coverage <percent>', 'fail when fewer of the edges of a definition were taken', parsePercent)
    .option('--json', 'print the results as JSON')
    .action(async (paths: readonly string[], { filter, junit, minCoverage = 0, json = false }: Options) => {
      const { runScenarioFiles } = await import('../scenario-files.ts');
      const run = runScenarioFiles(paths.length === 0 ? ['.'] : paths, filter ?? null);
      if (junit !== undefined) await writeJunit(junit, run);
      if (json) printJson(asJson(run));
      else printRun(run);
      const failed = resultsOf(run).filter(({ failures }) => failures.length > 0).length;
      const uncovered = [...run.coverage].filter(([, coverage]) => percentOf(coverage) < minCoverage).map(([file]) => file);
      if (failed > 0) throw new CommandFailure(exitCodes.failed, failed === 1 ? 'A scenario failed.' : `${failed} scenarios failed.`);
      if (uncovered.length > 0)
        throw new CommandFailure(exitCodes.failed, `Fewer than ${minCoverage} % of the edges were taken of ${uncovered.join(', ')}.`);
    });
}

function resultsOf({ suites }: RunFiles) {
  return suites.flatMap(({ results }) => results);
}

function printRun(run: RunFiles): void {
  for (const { file, results } of run.suites) {
    print(paint('bold', file));
    for (const { name, failures } of results) {
      print(`  ${failures.length === 0 ? paint('green', '✓') : paint('red', '✗')} ${printable(name)}`);
      for (const { pointer, message } of failures) print(`      ${pointer}: ${printable(message)}`);
    }
  }
  for (const [file, coverage] of run.coverage) printCoverage(file, coverage);
  const all = resultsOf(run);
  const failed = all.filter(({ failures }) => failures.length > 0).length;
  const ms = Math.round(all.reduce((sum, { durationMs }) => sum + durationMs, 0));
  print(`${all.length - failed} passed, ${failed} failed, ${ms} ms`);
}

function printCoverage(file: string, coverage: Coverage): void {
  const { nodes, edges } = coverage;
  print(
    `${file}: ${nodes.count - nodes.missing.length} of ${nodes.count} nodes ran, ${edges.count - edges.missing.length} of ${edges.count} edges were taken (${percentOf(coverage)} %)`,
  );
  for (const id of nodes.missing) print(`  never ran: ${id}`);
  for (const edge of edges.missing) print(`  never taken: ${printable(edge)}`);
}

/** Of the edges, rounded down; of a definition without edges, all. */
function percentOf({ edges }: Coverage): number {
  return edges.count === 0 ? 100 : Math.floor(((edges.count - edges.missing.length) * 100) / edges.count);
}

function asJson({ suites, coverage }: RunFiles): unknown {
  return {
    suites: suites.map(({ file, definitionId, results }) => ({
      file,
      definition: definitionId,
      scenarios: results.map(({ name, failures, durationMs }) => ({ name, passed: failures.length === 0, failures, durationMs })),
    })),
    coverage: Object.fromEntries([...coverage].map(([file, each]) => [file, { ...each, percent: percentOf(each) }])),
  };
}

async function writeJunit(file: string, { suites }: RunFiles): Promise<void> {
  const { junitXml } = await import('../../scenarios/junit.ts');
  try {
    writeFileSync(file, junitXml(suites));
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unwritable';
    throw new CommandFailure(exitCodes.usage, `${file} cannot be written: ${why}`, { cause: error });
  }
}

function parsePercent(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100) throw new InvalidArgumentError('Expected an integer from 0 to 100.');
  return Number(text);
}
