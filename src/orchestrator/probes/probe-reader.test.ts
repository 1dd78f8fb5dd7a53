/** What becomes of the record of a probe: it can overtake the visibility of the commit that wrote it. */
import { expect, it } from 'vitest';
import type { Log, LogConsumerHandlers, LogRecord } from '../../messaging/log.ts';
import { createProbeReader } from './probe-reader.ts';

const id = '019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11';

/** Reads one probe. @param answers of the store, the last one again and again. */
function read(...answers: readonly boolean[]) {
  const asked: string[] = [];
  const warned: string[] = [];
  const end = new AbortController();
  let handlers: LogConsumerHandlers | undefined;
  const log = { consumer: (options: { handlers: LogConsumerHandlers }) => (handlers = options.handlers) } as unknown as Log;
  createProbeReader({
    ...{ log, topic: 'p.probes', groupId: 'g', signal: end.signal, visibleAfterMs: [1, 1, 1] },
    logger: { warn: (_: object, message?: string) => void warned.push(String(message)) },
    probes: {
      cameBack: async (probe) => {
        asked.push(probe);
        return answers[Math.min(asked.length, answers.length) - 1] ?? false;
      },
    },
  });
  const record = { key: Buffer.from(id), value: Buffer.from(id) } as LogRecord;
  handlers?.onBatch({ topic: 'p.probes', partition: 0, generation: 1, records: [record], highWatermark: 1n });
  return { asked, warned, end };
}

it('A probe whose commit cannot be seen yet is looked for again, until it can', async () => {
  const { asked, warned } = read(false, false, true);
  await expect.poll(() => asked).toEqual([id, id, id]);
  expect(warned).toEqual([]);
});

it('and no longer than a commit can take, nor once the process ends', async () => {
  const older = read(false);
  await expect.poll(() => older.asked.length).toBe(4);
  const ending = read(false);
  ending.end.abort();
  await expect.poll(() => ending.asked.length).toBe(1);
  expect([...older.warned, ...ending.warned]).toEqual([]);
});
