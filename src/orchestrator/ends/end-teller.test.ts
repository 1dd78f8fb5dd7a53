import { describe, expect, test } from 'vitest';
import { Fixture } from '../testing/fixture.ts';

/** An instance whose last open task is `pack`. */
async function almostDone(n = 1): Promise<Fixture> {
  const fixture = await Fixture.start();
  fixture.begin(n);
  await fixture.process(fixture.outcome(0, 'pick', { n }));
  return fixture;
}

describe('the end of an instance', () => {
  test('is told by itself, and not by the outbox', async () => {
    const fixture = await almostDone();
    await fixture.process(fixture.outcome(1, 'pack'));
    expect(await fixture.toldEnds()).toEqual(['1 ended completed']);
    expect(fixture.store.written.flatMap(({ messages }) => messages.map(({ messageType }) => messageType))).toEqual(['TaskScheduled']);
  });

  test('is told after the commit, and its record is committed when the broker has the word', async () => {
    const fixture = await almostDone();
    fixture.producer.hold = true;
    fixture.consumer.give(0, [fixture.outcome(1, 'pack')]);
    while (fixture.producer.held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.state().phase).toBe('completed');
    expect(fixture.consumer.committed.get(0)).toBe(1n);
    fixture.producer.acknowledge();
    await fixture.committed(2);
    expect(await fixture.toldEnds()).toEqual(['1 ended completed']);
  });

  test('is told again when its record is read again, for it may not have been told', async () => {
    const fixture = await almostDone();
    const last = fixture.outcome(1, 'pack');
    await fixture.process(last);
    await fixture.process({ ...last, offset: 2n });
    expect(await fixture.toldEnds()).toEqual(['1 ended completed', '1 ended completed']);
    expect(fixture.store.calls).toHaveLength(2);
  });

  test('is told once for each instance of a batch, also one that a person has ended', async () => {
    const fixture = await almostDone();
    fixture.begin(2);
    await fixture.process(
      fixture.command(1, { type: 'cancel', reason: null }, 2),
      fixture.outcome(2, 'pack'),
      fixture.outcome(3, 'pick', { n: 2 }),
    );
    expect((await fixture.toldEnds()).toSorted()).toEqual(['1 ended completed', '2 ended cancelled']);
  });

  test('of a running instance is not told', async () => {
    const fixture = await almostDone();
    expect(await fixture.toldEnds()).toEqual([]);
  });
});
