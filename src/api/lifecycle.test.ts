import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMemoryLog } from '../messaging/memory/index.ts';
import { createInstanceWatch } from './instance-watch.ts';
import { createLifecycleReader } from './lifecycle.ts';

const LONG_MS = 600_000;
const TOPIC = 'lifecycle';

async function open() {
  const watch = createInstanceWatch();
  const log = createMemoryLog({}, pino({ level: 'silent' }));
  const admin = log.admin();
  await admin.createTopics([{ topic: TOPIC, partitions: 1, replication: 1, config: {} }]);
  const producer = log.producer();
  const changed = (key: string | null, value: string | null = null) =>
    producer.send([{ topic: TOPIC, key, value: value === null ? null : Buffer.from(value) }]);
  const reader = createLifecycleReader({ log, topic: TOPIC, groupId: 'g', watch });
  onTestFinished(() => reader.stop());
  return { watch, admin, changed, reader };
}

describe('The reader of the lifecycle topic', () => {
  it('wakes who waits for the instance that is the key, whatever the value', async () => {
    const { watch, changed, reader } = await open();
    await reader.start();
    const waiting = watch.next('a', LONG_MS, new AbortController().signal);
    const other = watch.next('b', LONG_MS, new AbortController().signal);
    await changed(null);
    await changed('a', 'no frame');
    await waiting;
    expect(watch.waiting).toBe(1);
    watch.changed('b');
    await other;
  });

  it('begins at the end and commits nothing: what was missed was waited for by nobody', async () => {
    const { watch, admin, changed, reader } = await open();
    await changed('a');
    await reader.start();
    const missed = watch.next('a', LONG_MS, new AbortController().signal);
    const next = watch.next('b', LONG_MS, new AbortController().signal);
    await changed('b');
    await next;
    expect(watch.waiting).toBe(1);
    await reader.stop();
    expect([...(await admin.committedOffsets('g', TOPIC)).values()]).toEqual([]);
    watch.changed('a');
    await missed;
  });
});
