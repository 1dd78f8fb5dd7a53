import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OffsetTracker } from './offset-tracker.ts';

/** Rising offsets with gaps, and an order in which they are done. */
const histories = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 })
  .map((steps) => steps.map((_, index) => BigInt(steps.slice(0, index + 1).reduce((sum, step) => sum + step, -1))))
  .chain((offsets) => fc.tuple(fc.constant(offsets), fc.shuffledSubarray(offsets)));

describe('OffsetTracker', () => {
  test('commits up to the first record that is not done, whatever the order', () => {
    fc.assert(
      fc.property(histories, ([offsets, done]) => {
        const tracker = new OffsetTracker();
        for (const offset of offsets) tracker.add(offset);
        const finished = new Set<bigint>();
        for (const offset of done) {
          tracker.done(offset);
          finished.add(offset);
          const blocked = offsets.findIndex((each) => !finished.has(each));
          const last = offsets[(blocked === -1 ? offsets.length : blocked) - 1];
          expect(tracker.committable).toBe(last === undefined ? null : last + 1n);
          expect(tracker.open).toBe(blocked === -1 ? 0 : offsets.length - blocked);
        }
      }),
    );
  });

  test('never goes back, and takes new records between', () => {
    fc.assert(
      fc.property(histories, fc.array(fc.boolean()), ([offsets, done], choices) => {
        const tracker = new OffsetTracker();
        const waiting = [...offsets];
        const added: bigint[] = [];
        let last = -1n;
        for (const take of choices) {
          const next = take ? waiting.shift() : undefined;
          if (next !== undefined) {
            tracker.add(next);
            added.push(next);
          } else {
            const finished = done.find((each) => added.includes(each));
            if (finished !== undefined) tracker.done(finished);
          }
          expect(tracker.committable ?? -1n).toBeGreaterThanOrEqual(last);
          last = tracker.committable ?? -1n;
        }
      }),
    );
  });

  test('may be told twice of the same record', () => {
    const tracker = new OffsetTracker();
    tracker.add(5n);
    tracker.add(6n);
    tracker.done(5n);
    tracker.done(5n);
    expect(tracker.committable).toBe(6n);
    expect(tracker.open).toBe(1);
  });

  test('keeps nothing of what is behind it', () => {
    const tracker = new OffsetTracker();
    for (let offset = 0n; offset < 10_000n; offset++) {
      tracker.add(offset);
      tracker.done(offset);
    }
    expect(tracker.committable).toBe(10_000n);
    expect(tracker.open).toBe(0);
  });

  test('refuses what cannot be', () => {
    const tracker = new OffsetTracker();
    tracker.add(5n);
    expect(() => tracker.add(5n)).toThrow('Bug: offset 5 was added after 5');
    expect(() => tracker.done(6n)).toThrow('Bug: offset 6 is done and was never added');
  });
});
