/**
 * Inputs and outputs that are too large for a record, through all the real parts: handlers take and give 2 MiB, expressions use what they gave,
 * and records stay small; also while workers and the API are killed, and with continuation and direct dispatch on.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { topicsWith } from '../support/everywhere.ts';
import { type Installation, install } from '../support/installation.ts';

const MIB = 1_048_576;
const references = {
  MILLRACE_REFERENCE_BYTES: '65536',
  MILLRACE_LIMIT_PAYLOAD_BYTES: String(4 * MIB),
  MILLRACE_BODY_LIMIT_BYTES: String(5 * MIB),
  MILLRACE_WORKER_API_KEY: 'worker-key-of-the-large-payloads',
};

/** Characters of one, two and three bytes; about 2 MiB of JSON. No other text of the run holds the mark. */
function largeText(): { readonly mark: string; readonly text: string } {
  const mark = randomUUID();
  return { mark, text: `${mark}${'aü€"\\'.repeat(MIB / 5)}${[...mark].reverse().join('')}` };
}

const turnedText = (text: string): string => [...text].reverse().join('');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A task that gives 2 MiB, an expression over them, a task that takes them, and another one. */
const document = (id: string, handler: string): Json => ({
  id,
  continuation: true,
  nodes: {
    work: { type: 'task', task: handler, queue: 'e2e-large', input: '${ input }', timeout: '60s' },
    look: {
      type: 'transform',
      output: { length: '${ size(nodes.work.output.text) }', isTurned: '${ nodes.work.output.text.startsWith(input.mark) }' },
    },
    again: { type: 'task', task: 'e2e.large.turn', queue: 'e2e-large', input: { text: '${ nodes.work.output.text }' } },
    sum: { type: 'task', task: 'e2e.large.digest', queue: 'e2e-large', input: '${ nodes.again.output }' },
  },
  edges: [
    { from: 'work', to: 'look' },
    { from: 'look', to: 'again' },
    { from: 'again', to: 'sum' },
  ],
  output: { look: '${ nodes.look.output }', sha256: '${ nodes.sum.output.sha256 }' },
});

// Each on an installation of its own: an orchestrator without references could not go on with what another one read by reference.
describe.each([
  ['alone', 'large-alone', {}],
  ['with continuation and direct dispatch', 'large-continued', { MILLRACE_CONTINUATION: 'on', MILLRACE_DIRECT_DISPATCH: 'on' }],
])('Large payloads, %s', (_, prefix, more: Readonly<Record<string, string>>) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-large-'));
  const runs = join(folder, 'runs');
  const definition = (handler: string): string => `large-${handler}`;
  let installation: Installation;
  let engine: TestEngine;

  beforeAll(async () => {
    installation = await install(prefix);
    engine = await TestEngine.start({ taskConsumers: 0, env: { ...installation.env, ...references, ...more, E2E_LARGE: runs } });
    for (const handler of ['turn', 'hold', 'deadly']) await engine.deploy(document(definition(handler), `e2e.large.${handler}`));
    await engine.startWorker('test/support/e2e-large-handlers.ts');
  }, 120_000);
  afterAll(async () => {
    await engine?.stop();
    await installation?.remove();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const start = async (handler: string) => {
    const { mark, text } = largeText();
    const instanceId = await engine.startInstance(definition(handler), { mark, text });
    return { instanceId, mark, text };
  };

  async function expectDone({ instanceId, mark, text }: Awaited<ReturnType<typeof start>>): Promise<void> {
    const ended = await eventuallyHas(
      () => engine.client.instance(instanceId),
      ({ status }) => status !== 'running',
      { timeoutMs: 90_000 },
    );
    expect([ended.status, ended.output]).toEqual([
      'completed',
      { look: { length: [...text].length, isTurned: true }, sha256: sha256(text) },
    ]);
    const task = await engine.client.task(`${instanceId}.work`);
    expect([task.status, (task.output as { readonly text: string }).text === turnedText(text)]).toEqual(['completed', true]);
    // Neither the text nor the text that was turned around, which begins with the same mark, went through Kafka.
    expect(await topicsWith([mark], prefix)).toEqual([[]]);
    const { databases } = installation;
    const messages = await databases.query<{ bytes: number }>(
      'SELECT coalesce(max(octet_length(payload)), 0)::int AS bytes FROM outbox WHERE key = $1',
      [instanceId],
    );
    expect(messages[0]?.bytes).toBeLessThan(65_536);
    await eventually(async () =>
      expect(await databases.query('SELECT path FROM task_output WHERE instance_id = $1', [instanceId])).toEqual([]),
    );
  }

  const ranOf = (instanceId: string): readonly string[] =>
    readFileSync(runs, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${instanceId}.work `));

  test('go to handlers, come back and are used by expressions, and their records are small', async () => {
    const started = await start('turn');
    await expectDone(started);
    expect(ranOf(started.instanceId)).toHaveLength(1);
  }, 120_000);

  test('survive the death of a worker', async () => {
    const started = await start('deadly');
    await eventually(() => expect(ranOf(started.instanceId)).toHaveLength(1));
    await eventually(() => expect(isRunning(engine.pid('worker-1'))).toBe(false));
    await engine.startProcess('worker-1');
    await expectDone(started);
    expect(ranOf(started.instanceId)).toHaveLength(2);
  }, 180_000);

  test('wait for an API that is away, before the work and after it', async () => {
    const started = await start('hold');
    await eventually(() => expect(ranOf(started.instanceId)).toHaveLength(1));
    await engine.kill('api');
    writeFileSync(`${runs}.go`, '');
    await eventually(async () => expect(await engine.metrics('worker-1')).toMatch(/^millrace_tasks_in_flight\S* 1$/m));
    expect(await engine.isReady('worker-1')).toBe(true);
    await engine.startProcess('api');
    await expectDone(started);
    expect(ranOf(started.instanceId)).toHaveLength(1);
  }, 180_000);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
