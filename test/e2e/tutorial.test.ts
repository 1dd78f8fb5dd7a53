/** The tutorial of the README, its commands run as they stand by a shell, one after the other, against a running engine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineProcessEnvironment } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import type { TestEngine } from '../support/engine.ts';
import { startWithExamples } from '../support/examples.ts';
import { paymentEnvironment } from '../support/payment-provider.ts';
import { runShell } from '../support/shell.ts';
import { missingLines, readTutorial } from '../support/tutorial.ts';

const steps = readTutorial(readFileSync(join(checkout, 'README.md'), 'utf8'));
const separator = '--- end of step ---';

describe('the tutorial', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    // As `npm start` does before it says that it is ready.
    engine = await startWithExamples({}, { some: ['expense-approval', 'payment-confirmation'] });
  }, 180_000);
  afterAll(() => engine?.stop());

  test('runs as it is written, and prints what it shows', async () => {
    // One shell for all: later steps use what earlier ones have set.
    const script = steps.map(({ commands }) => `${commands}\necho '${separator}'\n`).join('');
    const variables = { ...engine.env, ...paymentEnvironment(engine.env), MILLRACE_URL: engine.url, NO_COLOR: '1' };
    const { code, output } = await runShell(script, { cwd: checkout, env: engineProcessEnvironment(variables) });
    expect(code, output).toBe(0);
    // The topics of this stack have another prefix than those of `npm start`.
    const outputs = output.replaceAll(`${engine.env.MILLRACE_TOPIC_PREFIX}.events`, 'millrace.events').split(`${separator}\n`);
    for (const [index, { commands, shown }] of steps.entries())
      expect(missingLines(shown, outputs[index] ?? ''), `${commands}\nprinted\n${outputs[index]}`).toEqual([]);
  }, 600_000);
});
