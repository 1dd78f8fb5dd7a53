/**
 * Starts one stack for all integration tests, runs the engine's install steps on it by the engine's own command line,
 * and hands its environment to the tests: `inject('stackEnv')`, or `stackEnv()` of test/support/env.ts.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { engineExists, installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { describeDeath } from '../../stack/index.ts';
import { removePostgresData } from '../../stack/install/postgres.ts';
import { startTestStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    stackEnv: Record<string, string>;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // A home of this run's own: two runs in one checkout do not meet.
  const home = join(checkout, '.millrace-test', String(process.pid));
  const stack = await startTestStack({
    home,
    onProgress: ({ status, text }) => {
      if (status === 'done') process.stdout.write(`  stack: ${text}\n`);
    },
    onDeath: (death) => process.stderr.write(`${describeDeath(death)}\n`),
  });
  const stop = async (): Promise<void> => {
    await stack.stop();
    if (process.env.MILLRACE_KEEP_TEST_HOME !== undefined) return;
    removePostgresData(openHome(home));
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
  return stop;
}
