/**
 * Starts one stack for all integration tests, runs the engine's install steps on it by the engine's own command line,
 * and hands its environment to the tests: `inject('stackEnv')`, or `stackEnv()` of test/support/env.ts.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { engineExists, installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { identify } from '../../stack/identity.ts';
import { describeDeath } from '../../stack/index.ts';
import { deleteData } from '../../stack/reset.ts';
import { readRunningState } from '../../stack/state.ts';
import { startTestStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    stackEnv: Record<string, string>;
  }
}

/** Not the default one: whatever does not follow the setting finds neither topic nor group, slot nor connector. */
const testPrefix = 'acme.test';

const testHomes = join(checkout, '.millrace-test');

/** A run that was killed could not clean up. Its processes are ended by the watchdog; its folders go now. */
function removeAbandonedHomes(): void {
  if (!existsSync(testHomes)) return;
  for (const name of readdirSync(testHomes)) {
    const home = openHome(join(testHomes, name));
    const owner = /(\d+)$/.exec(name)?.[1];
    if (readRunningState(home) !== null || (owner !== undefined && identify(Number(owner)) !== null)) continue;
    deleteData(home);
    rmSync(home.dir, { recursive: true, force: true });
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeAbandonedHomes();
  // A home of this run's own: two runs in one checkout do not meet.
  const home = join(testHomes, String(process.pid));
  const stack = await startTestStack({
    home,
    prefix: testPrefix,
    onProgress: ({ status, text }) => {
      if (status === 'done') process.stdout.write(`  stack: ${text}\n`);
    },
    onDeath: (death) => process.stderr.write(`${describeDeath(death)}\n`),
  });
  const stop = async (): Promise<void> => {
    await stack.stop();
    if (process.env.MILLRACE_KEEP_TEST_HOME !== undefined) return;
    deleteData(openHome(home));
    rmSync(home, { recursive: true, force: true });
  };
  try {
    if (!engineExists()) process.stdout.write('  stack: src/cli/main.ts is not there yet, so nothing of the engine is installed\n');
    else for (const step of installSteps) await runEngineCommand(step, stack.env, join(home, 'logs', 'install.log'));
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('stackEnv', stack.env);
  return async () => {
    try {
      if (engineExists()) await verify(stack.env, join(home, 'logs', 'verify.log'));
    } finally {
      await stop();
    }
  };
}

/**
 * Whatever all tests did with the installation that they share, each of its instances is as its history says. Databases of a test
 * file's own are verified when they are dropped (fresh-databases.ts).
 */
async function verify(env: Readonly<Record<string, string>>, log: string): Promise<void> {
  const said = await runEngineCommand({ title: 'Verifying every instance after all tests', args: ['verify'] }, env, log);
  process.stdout.write(`  stack: after all tests, ${said.trim().split('\n').at(-1)}\n`);
}
