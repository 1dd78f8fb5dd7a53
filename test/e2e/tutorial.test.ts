/** The tutorial of the README, its commands run as they stand by a shell, one after the other, against a running engine. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineProcessEnvironment } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import type { TestEngine } from '../support/engine.ts';
import { startWithExamples } from '../support/examples.ts';
import { paymentEnvironment } from '../support/payment-provider.ts';
import { missingLines, readTutorial } from '../support/tutorial.ts';

const steps = readTutorial(readFileSync(join(checkout, 'README.md'), 'utf8'));
const separator = '--- end of step ---';

describe('the tutorial', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    // As `npm start` does before it says that it is ready.
    engine = await startWithExamples({});
  }, 180_000);
  afterAll(() => engine?.stop());

  test('runs as it is written, and prints what it shows', async () => {
    // One shell for all: later steps use what earlier ones have set.
    const script = steps.map(({ commands }) => `${commands}\necho '${separator}'\n`).join('');
    const { code, output } = await runShell(script, {
      ...engine.env,
      ...paymentEnvironment(engine.env),
      MILLRACE_URL: engine.url,
      NO_COLOR: '1',
    });
    expect(code, output).toBe(0);
    // The topics of this stack have another prefix than those of `npm start`.
    const outputs = output.replaceAll(`${engine.env.MILLRACE_TOPIC_PREFIX}.events`, 'millrace.events').split(`${separator}\n`);
    for (const [index, { commands, shown }] of steps.entries())
      expect(missingLines(shown, outputs[index] ?? ''), `${commands}\nprinted\n${outputs[index]}`).toEqual([]);
  }, 600_000);
});

async function runShell(
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return await new Promise((resolve, reject) => {
    const shell = spawn('sh', ['-euc', script], { cwd: checkout, env: engineProcessEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    shell.stdout.on('data', keep);
    shell.stderr.on('data', keep);
    shell.once('error', reject);
    shell.once('close', (code) => resolve({ code, output }));
  });
}
