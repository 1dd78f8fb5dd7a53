/**
 * Asks the package registry for advisories about what the package installs. Fails on one that is high or critical; where the
 * registry does not answer such questions (a mirror, no network), says so and passes.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

type Report = { readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> } };

/** A registry that never answers must not hold a run for the five minutes that npm waits by itself, three times. */
const patience = ['--fetch-timeout=20000', '--fetch-retries=1'];
/** A report of hundreds of advisories has several megabytes; one that is cut is no JSON. */
const REPORT_BYTES_MAX = 256 * 1_024 * 1_024;

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--audit-level=high', '--json', ...patience], {
  cwd: join(import.meta.dirname, '..'),
  encoding: 'utf8',
  maxBuffer: REPORT_BYTES_MAX,
  shell: process.platform === 'win32',
});
if (error !== undefined) throw error;
const found = vulnerabilitiesIn(stdout);
if (found === undefined) {
  process.stdout.write('The registry does not answer requests about advisories: nothing was checked.\n');
} else {
  const severe = (found.high ?? 0) + (found.critical ?? 0);
  process.stdout.write(`${severe} advisories that are high or critical.${severe === 0 ? '' : ' Run `npm audit --omit=dev`.'}\n`);
  process.exitCode = severe === 0 ? 0 : 1;
}

function vulnerabilitiesIn(report: string): Readonly<Record<string, number>> | undefined {
  try {
    return (JSON.parse(report) as Report).metadata?.vulnerabilities;
  } catch {
    return undefined;
  }
}
