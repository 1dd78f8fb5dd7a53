/**
 * `npm test`: everything that CI runs, in the order in which it fails fastest. Later checks run even when an earlier one failed,
 * so that one run shows all failures. They are listed once more at the end, above a line with the counts.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { watchShutdownRequests } from '../stack/shutdown.ts';

interface Outcome {
  readonly passed: number;
  readonly failures: readonly Failure[];
}

interface Failure {
  readonly name: string;
  readonly text: string;
}

/** What is read of the report that vitest writes, which is that of jest. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

type Project = 'unit' | 'integration';

/** Enough for the counterexample of a property; the rest stands further up. */
const SHOWN_CHARACTERS = 4_000;

const reports = mkdtempSync(join(tmpdir(), 'millrace-test-'));

/** Processes that write into a pipe would leave theirs out. */
const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};

/** Hundreds of processes are started from the same sources: Node keeps what it made of them, which halves their starts. */
const compileCache = { NODE_COMPILE_CACHE: join(reports, 'compiled') };

/** The JVMs of the tests live for minutes, so they compile with less effort. */
const cheapStack = { JDK_JAVA_OPTIONS: '-XX:TieredStopAtLevel=1' };
const environments: Readonly<Record<Project, Readonly<Record<string, string>>>> = { unit: {}, integration: cheapStack };

const { stop } = watchShutdownRequests();

const outcomes: Outcome[] = [];
try {
  for (const check of ['typecheck', 'lint', 'lint:imports', 'audit']) outcomes.push(await runCheck(check));
  for (const project of ['unit', 'integration'] as const) outcomes.push(await runTests(project));
} finally {
  rmSync(reports, { recursive: true, force: true });
}
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failures = outcomes.flatMap((outcome) => outcome.failures);
for (const { name, text } of failures) process.stdout.write(`\nFAILED  ${name}\n${text}\n`);
process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 && passed > 0 && !stop.aborted ? 0 : 1;

/** A check is one thing that passes or fails. */
async function runCheck(script: string): Promise<Outcome> {
  const { code, output } = await run('npm', ['run', '--silent', script]);
  process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}  ${script}\n`);
  return code === 0 ? { passed: 1, failures: [] } : { passed: 0, failures: [{ name: script, text: shorten(output) }] };
}

/** One project of vitest.config.ts; counts its tests, and whatever made it fail without a failing test. */
async function runTests(project: Project): Promise<Outcome> {
  const path = join(reports, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`];
  const { code, output } = await run('vitest', ['run', '--project', project, ...reporters, '--passWithNoTests'], environments[project]);
  const report = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : undefined;
  const failures = report?.testResults.flatMap(failuresOf) ?? [];
  // A setup that fails or a rejection that nobody handles ends the run with no failed test to show.
  if (code !== 0 && failures.length === 0) failures.push({ name: `${project}: vitest ended with ${code}`, text: shorten(output) });
  return { passed: report?.numPassedTests ?? 0, failures };
}

function failuresOf({ name, status, message, assertionResults }: Report['testResults'][number]): Failure[] {
  const file = relative('.', name);
  const tests = assertionResults
    .filter((test) => test.status === 'failed')
    .map((test) => ({ name: `${file} > ${test.fullName}`, text: shorten(test.failureMessages.join('\n')) }));
  return tests.length === 0 && status === 'failed' ? [{ name: file, text: shorten(message) }] : tests;
}

/** The end of a process's output says what went wrong, and so does the beginning of an error. */
function shorten(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text;
  const half = SHOWN_CHARACTERS / 2;
  return `${text.slice(0, half)}\n[…]\n${text.slice(-half)}`;
}

async function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly output: string }> {
  if (stop.aborted) return { code: 1, output: 'was not run' };
  const env = { ...environment, ...process.env, ...colours, ...compileCache };
  return await new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'], env });
    stop.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    let output = '';
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      from.setEncoding('utf8').on('data', (text: string) => {
        to.write(text);
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
