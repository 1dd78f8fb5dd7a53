import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import { Held, stoppedClock } from '../testing/held-batches.ts';

const away = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });

describe('a partition', () => {
  test('takes what has gathered while the batch before was under way', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 2);
    held.give(0, 2, 1);
    held.give(0, 3, 2);
    expect(held.given).toEqual([[0, [0, 1]]]);
    await held.finish(0);
    expect(held.given.slice(1)).toEqual([[0, [2, 3, 4]]]);
  });

  test('commits a batch only after all of it was dealt with', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 7, 3);
    await held.settle();
    expect(held.consumer.committed.size).toBe(0);
    await held.finish(0);
    expect(held.consumer.committed.get(0)).toBe(10n);
  });

  test('does not wait for another one that stands still', async () => {
    const held = new Held({ longMs: 20 });
    const clock = stoppedClock();
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1);
    held.give(0, 0, 1);
    held.give(1, 0, 1);
    await held.settle();
    expect(held.given).toEqual([[0, [0]]]);
    clock.pass(20);
    await held.finish(1);
    held.give(1, 1, 1);
    await held.finish(2);
    expect(held.given).toEqual([
      [0, [0]],
      [1, [0]],
      [1, [1]],
    ]);
    expect(held.consumer.committed).toEqual(new Map([[1, 2n]]));
    await held.finish(0);
    held.give(0, 1, 1);
    held.give(1, 2, 1);
    await held.settle();
    // No batch is slow any more, so they run one after the other again.
    expect(held.given.slice(3)).toEqual([[0, [1]]]);
    await held.finish(3);
    expect(held.given.slice(4)).toEqual([[1, [2]]]);
  });

  test('waits for its turn while as many long batches as allowed are under way', async () => {
    const held = new Held({ longMs: 20, longBatchesMax: 2 });
    const clock = stoppedClock();
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1, 2);
    for (const partition of [0, 1, 2]) held.give(partition, 0, 1);
    clock.pass(20);
    clock.pass(20);
    await held.settle();
    expect(held.given.map(([partition]) => partition)).toEqual([0, 1]);
    await held.finish(0);
    expect(held.given.map(([partition]) => partition)).toEqual([0, 1, 2]);
  });

  test('waits for its turn while as many batches as allowed are under way, and takes all that gathered meanwhile', async () => {
    const held = new Held({ batchesAtOnce: 2 });
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1, 2, 3);
    for (const partition of [0, 1, 2, 3]) held.give(partition, 0, 1);
    await held.settle();
    expect(held.given.map(([partition]) => partition)).toEqual([0, 1]);
    held.give(3, 1, 1);
    held.give(0, 1, 1);
    await held.finish(0);
    // The next round begins when all of this one has ended.
    expect(held.given).toHaveLength(2);
    await held.finish(1);
    expect(held.given.slice(2)).toEqual([
      [2, [0]],
      [3, [0, 1]],
    ]);
    await held.finish(2);
    await held.finish(3);
    expect(held.given.slice(4)).toEqual([[0, [1]]]);
  });

  test('begins together with the others that became ready in the same turn, up to the records of a batch', async () => {
    const held = new Held({ batchesAtOnce: 8, batchRecordsMax: 3 });
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1, 2, 3);
    for (const partition of [0, 1, 2, 3]) held.give(partition, 0, partition === 2 ? 1 : 2);
    expect(held.given).toEqual([]);
    await held.settle();
    expect(held.given.map(([partition]) => partition)).toEqual([0, 1]);
    await held.finish(0);
    await held.finish(1);
    expect(held.given.slice(2).map(([partition]) => partition)).toEqual([2, 3]);
  });

  test('begins though a batch of the round before takes long', async () => {
    const held = new Held({ batchesAtOnce: 8, longMs: 20 });
    const clock = stoppedClock();
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1);
    held.give(0, 0, 1);
    await held.settle();
    held.give(1, 0, 1);
    await held.settle();
    expect(held.given.map(([partition]) => partition)).toEqual([0]);
    clock.pass(20);
    await held.settle();
    expect(held.given.map(([partition]) => partition)).toEqual([0, 1]);
  });

  test('has its turn though others wait for an outage to pass', async () => {
    const held = new Held({ batchesAtOnce: 1 });
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1);
    held.give(0, 0, 1);
    held.give(1, 0, 1);
    await held.fail(0, away);
    expect(held.given).toContainEqual([1, [0]]);
    await held.batch(2);
    expect(held.given.filter(([partition]) => partition === 0)).toHaveLength(2);
  });

  test('takes no more records and bytes than a batch may hold, but a large record by itself', async () => {
    const held = new Held({ batchRecordsMax: 3, batchBytesMax: 100 });
    await held.partitionConsumer.start();
    held.give(0, 0, 5, 10);
    held.give(0, 5, 1, 1_000);
    held.give(0, 6, 3, 60);
    for (const index of [0, 1, 2, 3, 4]) await held.finish(index);
    expect(held.given.map(([, offsets]) => offsets)).toEqual([[0, 1, 2], [3, 4], [5], [6], [7], [8]]);
  });

  test('is paused while too much waits, and resumed when half of it is gone', async () => {
    const held = new Held({ batchRecordsMax: 4, waitingRecordsMax: 8 });
    await held.partitionConsumer.start();
    held.give(0, 0, 4);
    held.give(0, 4, 8);
    expect(held.consumer.paused.has(0)).toBe(false);
    held.give(0, 12, 1);
    expect(held.consumer.paused.has(0)).toBe(true);
    await held.finish(0);
    expect(held.consumer.paused.has(0)).toBe(true);
    await held.finish(1);
    expect(held.consumer.paused.has(0)).toBe(false);
  });

  test('is paused while too many bytes wait', async () => {
    const held = new Held({ waitingBytesMax: 100 });
    await held.partitionConsumer.start();
    held.give(0, 0, 1, 10);
    held.give(0, 1, 2, 60);
    expect(held.consumer.paused.has(0)).toBe(true);
    await held.finish(0);
    expect(held.consumer.paused.has(0)).toBe(false);
  });

  test('leaves records alone that a repeated fetch brings again', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 2);
    held.give(0, 0, 3);
    await held.finish(0);
    expect(held.given).toEqual([
      [0, [0, 1]],
      [0, [2]],
    ]);
  });
});

describe('a batch that throws', () => {
  test.each([
    ['an outage', away],
    ['a bug', new TypeError('oops')],
  ])('by %s comes again whole, before anything behind it, and is not committed', async (_, error) => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 2);
    held.give(0, 2, 1);
    await held.fail(0, error);
    await held.batch(1);
    await held.fail(1, error);
    await held.batch(2);
    expect(held.given).toEqual(Array.from({ length: 3 }, () => [0, [0, 1]]));
    expect(held.consumer.committed.size).toBe(0);
    await held.finish(2);
    expect(held.consumer.committed.get(0)).toBe(2n);
    expect(held.given[3]).toEqual([0, [2]]);
  });

  test('is left when its partition went to somebody else', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    held.consumer.assign();
    await held.fail(0, away);
    await held.partitionConsumer.stop(60_000);
    expect(held.batches).toHaveLength(1);
    expect(held.consumer.committed.size).toBe(0);
  });
});

describe('a rebalance', () => {
  test('gives every assignment a context of its own, which its late batches keep', async () => {
    const held = new Held({ longMs: 20 });
    const clock = stoppedClock();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    clock.pass(20);
    held.consumer.assign(0);
    held.give(0, 0, 1);
    expect(held.batches.map(({ batch }) => batch.context.number)).toEqual([1, 2]);
  });

  test('that has only revoked takes nothing more, and its context is gone with the next assignment', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    held.give(0, 1, 1);
    held.consumer.revoke();
    held.give(0, 2, 1);
    await held.finish(0);
    expect(held.given).toEqual([[0, [0]]]);
    expect(held.consumer.committed.size).toBe(0);
    held.consumer.assignOnly(0);
    held.give(0, 0, 1);
    expect(held.batches.map(({ batch }) => batch.context.number)).toEqual([1, 2]);
  });

  test('that assigns without having revoked leaves what waited, and has a context of its own', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    held.give(0, 1, 1);
    held.consumer.assignOnly(0);
    await held.finish(0);
    expect(held.given).toEqual([[0, [0]]]);
    expect(held.consumer.committed.size).toBe(0);
    held.give(0, 0, 1);
    expect(held.batches.map(({ batch }) => batch.context.number)).toEqual([1, 2]);
  });

  test('leaves what waited, and commits nothing of a batch that ends late', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    held.give(0, 1, 1);
    held.consumer.assign(0);
    await held.finish(0);
    expect(held.given).toEqual([[0, [0]]]);
    expect(held.consumer.committed.size).toBe(0);
  });

  test('passes by batches that were fetched before it', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.consumer.assign(0);
    held.consumer.give(0, [{ offset: 0n }], 1);
    expect(held.batches).toHaveLength(0);
  });
});

describe('the end', () => {
  test('waits for batches under way, commits them and begins no other', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    held.give(0, 1, 1);
    const stopped = held.partitionConsumer.stop(60_000);
    await held.settle();
    expect(held.consumer.left).toBe(false);
    await held.finish(0);
    await stopped;
    expect(held.consumer.left).toBe(true);
    expect(held.consumer.committed.get(0)).toBe(1n);
    expect(held.batches).toHaveLength(1);
  });

  test('leaves behind what does not finish in its time', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    await held.partitionConsumer.stop(1);
    expect(held.consumer.left).toBe(true);
    expect(held.consumer.committed.size).toBe(0);
  });

  test('breaks off a batch that waits for an outage to pass', async () => {
    const held = new Held();
    await held.partitionConsumer.start();
    held.give(0, 0, 1);
    await held.fail(0, away);
    await held.partitionConsumer.stop(1);
    expect(held.consumer.left).toBe(true);
  });
});

test('tells of a consumer that died', async () => {
  const held = new Held();
  held.consumer.handlers.onCrash?.(new Error('gone'), 5);
  expect(held.crashes).toEqual(['group']);
});
