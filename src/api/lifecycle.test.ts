import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { InstanceId } from '../core/ids.ts';
import { createMemoryLog } from '../messaging/memory/index.ts';
import { createInstanceWatch } from './instance-watch.ts';
import { createLifecycleReader, LifecycleReading } from './lifecycle.ts';

const LONG_MS = 600_000;
const a = 'a' as InstanceId;
const b = 'b' as InstanceId;
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
    const waiting = watch.next(a, LONG_MS, new AbortController().signal);
    const other = watch.next(b, LONG_MS, new AbortController().signal);
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
    const missed = watch.next(a, LONG_MS, new AbortController().signal);
    const next = watch.next(b, LONG_MS, new AbortController().signal);
    await changed('b');
    await next;
    expect(watch.waiting).toBe(1);
    await reader.stop();
    expect([...(await admin.committedOffsets('g', TOPIC)).values()]).toEqual([]);
    watch.changed('a');
    await missed;
  });
});

describe('The lifecycle topic', () => {
  async function openReading() {
    const log = createMemoryLog({}, pino({ level: 'silent' }));
    await log.admin().createTopics([{ topic: TOPIC, partitions: 1, replication: 1, config: {} }]);
    const producer = log.producer();
    let now = 0;
    let opened = 0;
    let stopped = 0;
    const watch = createInstanceWatch(() => reading.need());
    const reading = new LifecycleReading({
      open: () => {
        opened++;
        return createLifecycleReader({ log, topic: TOPIC, groupId: 'g', watch });
      },
      watch,
      onStopped: async () => void stopped++,
      log: pino({ level: 'silent' }),
      idleMs: 1_000,
      clock: () => now,
    });
    onTestFinished(() => reading.stop());
    const pass = (ms: number): void => {
      now += ms;
      reading.restWhenIdle();
    };
    return {
      watch,
      reading,
      pass,
      counts: () => ({ opened, stopped }),
      end: (key: string) => producer.send([{ topic: TOPIC, key, value: null }]),
    };
  }

  it('is read once somebody waits, and no more once nobody has waited for a while', async () => {
    const { watch, reading, pass, counts, end } = await openReading();
    pass(5_000);
    expect(reading.isRead).toBe(false);
    expect(counts()).toEqual({ opened: 0, stopped: 0 });
    const waiting = watch.next(a, LONG_MS, new AbortController().signal);
    await expect.poll(() => reading.isRead).toBe(true);
    pass(5_000);
    expect(reading.isRead).toBe(true);
    await end('a');
    await waiting;
    pass(999);
    expect(reading.isRead).toBe(true);
    pass(1);
    await expect.poll(counts).toEqual({ opened: 1, stopped: 1 });
    expect(reading.isRead).toBe(false);
  });

  it('is read anew by whoever waits while the reader before is stopping, and wakes them', async () => {
    const { watch, reading, pass, counts, end } = await openReading();
    const gone = new AbortController();
    const first = watch.next(a, LONG_MS, gone.signal);
    gone.abort();
    await first;
    pass(1_000);
    const second = watch.next(b, LONG_MS, new AbortController().signal);
    await expect.poll(() => reading.isRead).toBe(true);
    expect(counts()).toEqual({ opened: 2, stopped: 1 });
    await end('b');
    await second;
  });

  it('is not read again after the process has ended it', async () => {
    const { watch, reading, counts } = await openReading();
    await reading.stop();
    await watch.next(a, 1, new AbortController().signal);
    expect(counts()).toEqual({ opened: 0, stopped: 0 });
  });
});
