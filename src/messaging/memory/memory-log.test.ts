import { describe, expect, it } from 'vitest';
import { testLog } from '../../../test/contract/log.contract.ts';
import { eventually } from '../../../test/support/eventually.ts';
import type { LogRecord } from '../log.ts';
import { createMemoryLog } from './index.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('the log in memory', () => {
  testLog(async () => createMemoryLog({}, quiet));

  it('gives a consumer the partitions of a topic that is made later', async () => {
    const log = createMemoryLog({}, quiet);
    const records: LogRecord[] = [];
    const consumer = log.consumer({
      groupId: 'g',
      topics: ['late'],
      handlers: { onBatch: (batch) => records.push(...batch.records), onAssigned: () => undefined, onRevoked: () => undefined },
    });
    await consumer.start();
    expect(consumer.assignment()).toEqual([]);
    const producer = log.producer();
    await expect(producer.send([{ topic: 'late', key: 'k', value: null }])).rejects.toMatchObject({ code: 'MR_RECORD_REFUSED' });
    await log.admin().createTopics([{ topic: 'late', partitions: 1, replication: 1, config: {} }]);
    await producer.send([{ topic: 'late', key: 'k', value: null }]);
    await eventually(() => expect(records).toHaveLength(1));
    await consumer.stop();
  });

  it('starts a consumer again whose handler threw, from what it committed', async () => {
    const log = createMemoryLog({}, quiet);
    await log.admin().createTopics([{ topic: 't', partitions: 1, replication: 1, config: {} }]);
    await log.producer().send([{ topic: 't', key: 'k', value: Buffer.from('a') }]);
    const crashes: unknown[] = [];
    let isBroken = true;
    const values: string[] = [];
    const consumer = log.consumer({
      groupId: 'g',
      topics: ['t'],
      handlers: {
        onBatch: ({ records }) => {
          if (isBroken) throw new Error('broken');
          values.push(...records.map(({ value }) => String(value)));
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
        onCrash: (error) => {
          crashes.push(error);
          isBroken = false;
        },
      },
    });
    await consumer.start();
    await eventually(() => expect(values).toEqual(['a']));
    expect(crashes).toEqual([new Error('broken')]);
    await consumer.stop();
  });

  it('forgets what every group has committed, but never the newest records', async () => {
    const log = createMemoryLog({}, quiet);
    await log.admin().createTopics([{ topic: 't', partitions: 1, replication: 1, config: {} }]);
    const value = Buffer.from('x');
    await log.producer().send(Array.from({ length: 25_000 }, () => ({ topic: 't', key: 'k', value })));
    const seen: bigint[] = [];
    const listen = (groupId: string, commits: boolean) => {
      const consumer = log.consumer({
        ...{ groupId, topics: ['t'] },
        handlers: {
          onBatch: ({ records, generation, topic, partition }) => {
            seen.push(...records.map(({ offset }) => offset));
            if (commits) consumer.commit({ topic, partition }, 25_000n, generation);
          },
          onAssigned: () => undefined,
          onRevoked: () => undefined,
        },
      });
      return consumer;
    };
    const slow = listen('slow', false);
    await slow.start();
    const quick = listen('quick', true);
    await quick.start();
    await eventually(() => expect(seen).toHaveLength(50_000));
    await quick.flush();
    // The slow group has committed nothing, so it gets all of it again.
    await slow.stop();
    seen.length = 0;
    const again = listen('slow', true);
    await again.start();
    await eventually(() => expect(seen[0]).toBe(0n));
    await eventually(() => expect(seen).toHaveLength(25_000));
    await again.flush();
    seen.length = 0;
    const third = listen('third', true);
    await third.start();
    await eventually(() => expect(seen).toHaveLength(10_000));
    expect(seen[0]).toBe(15_000n);
    await Promise.all([quick, again, third].map((consumer) => consumer.stop()));
  });
});
