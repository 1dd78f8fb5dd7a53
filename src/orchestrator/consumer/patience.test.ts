import { describe, expect, test } from 'vitest';
import { Held, stoppedClock } from '../testing/held-batches.ts';

describe('records that may wait for what follows them', () => {
  test('are one batch once the oldest of them has waited', async () => {
    const clock = stoppedClock();
    const held = new Held({}, 20);
    await held.partitionConsumer.start();
    held.givePatient(0, 0);
    clock.pass(15);
    held.givePatient(0, 1, 2);
    expect(held.given).toEqual([]);
    clock.pass(5);
    expect(held.given).toEqual([[0, [0, 1, 2]]]);
    // The next one has its own time.
    held.givePatient(0, 3);
    await held.finish(0);
    clock.pass(19);
    expect(held.given).toHaveLength(1);
    clock.pass(1);
    expect(held.given.slice(1)).toEqual([[0, [3]]]);
    await held.finish(1);
    expect(held.consumer.committed.get(0)).toBe(4n);
  });

  test('go at once with one that does not wait, and hold up no other partition', async () => {
    const clock = stoppedClock();
    const held = new Held({ batchesAtOnce: 64 }, 20);
    await held.partitionConsumer.start();
    held.consumer.assign(0, 1);
    held.givePatient(0, 0);
    held.givePatient(1, 0);
    held.give(0, 1, 1);
    await held.settle();
    expect(held.given).toEqual([[0, [0, 1]]]);
    // What came meanwhile, and what comes behind it, begins when the batch is over.
    held.give(0, 2, 1);
    held.givePatient(0, 3);
    clock.pass(20);
    await held.finish(0);
    expect(held.given.slice(1)).toEqual([
      [1, [0]],
      [0, [2, 3]],
    ]);
  });

  test('are not waited for once the partition is full or belongs to another process', async () => {
    const clock = stoppedClock();
    const held = new Held({ waitingRecordsMax: 2 }, 20);
    await held.partitionConsumer.start();
    held.givePatient(0, 0, 3);
    expect(held.given).toEqual([[0, [0, 1, 2]]]);
    held.givePatient(0, 3);
    held.consumer.assign(1);
    await held.finish(0);
    clock.pass(40);
    expect(held.given).toHaveLength(1);
  });
});
