/**
 * `npm test`: everything that CI runs, in the order in which it fails fastest, and one line at the end that counts it
 * all. Later checks run even when an earlier one failed, so that one run tells everything.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchShutdownRequests } from '../stack/shutdown.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const reports = mkdtempSync(join(tmpdir(), 'millrace-test-'));
const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts?: Record<string, string> }).scripts ?? {};

const { stop } = watchShutdownRequests();

const total = { passed: 0, failed: 0 };
try {
  for (const check of ['typecheck', 'lint', 'lint:imports', 'schemas:check'].filter((name) => name in scripts)) add(await runCheck(check));
  for (const project of ['unit', 'integration']) add(await runTests(project));
} finally {
  rmSync(reports, { recursive: true, force: true });
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 && total.passed > 0 && !stop.aborted ? 0 : 1;

function add(count: Count): void {
  total.passed += count.passed;
  total.failed += count.failed;
}

/** A check is one thing that passes or fails. */
async function runCheck(script: string): Promise<Count> {
  const code = await run('npm', ['run', '--silent', script]);
  process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}  ${script}\n`);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** One project of vitest.config.ts; counts its tests, and whatever made it fail without a failing test. */
async function runTests(project: string): Promise<Count> {
  const report = join(reports, `${project}.json`);
  const code = await run('vitest', [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    '--passWithNoTests',
  ]);
  const { numPassedTests = 0, numFailedTests = 0 } = existsSync(report)
    ? (JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests?: number; numFailedTests?: number })
    : {};
  // A file that does not load, a setup that fails or an unhandled rejection ends the run with no failed test to count.
  return { passed: numPassedTests, failed: code === 0 ? numFailedTests : Math.max(1, numFailedTests) };
}

async function run(command: string, args: readonly string[]): Promise<number> {
  if (stop.aborted) return 1;
  return await new Promise<number>((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    stop.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
