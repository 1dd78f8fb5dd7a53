import { describe, expect, it } from 'vitest';
import { createDatabaseClock } from './database-clock.ts';

describe('The database clock', () => {
  it('carries the sampled time on by the monotonic clock', async () => {
    let monotonic = 1_000;
    const clock = createDatabaseClock(
      () => {
        // The question takes 20 ms: the answer is from the middle of it.
        monotonic += 20;
        return Promise.resolve(5_000_000);
      },
      () => monotonic,
    );
    await clock.sample();
    expect(clock.now()).toBe(5_000_010);
    monotonic += 500;
    expect(clock.now()).toBe(5_000_510);
  });

  it('refuses to guess before its first sample', () => {
    const clock = createDatabaseClock(() => Promise.resolve(1));
    expect(() => clock.now()).toThrow('before its first sample');
  });

  it('keeps the last sample while the database is away', async () => {
    const answers = [() => Promise.resolve(7_000), () => Promise.reject(new Error('away'))];
    const clock = createDatabaseClock(
      () => answers.shift()?.() ?? Promise.reject(new Error('asked too often')),
      () => 0,
    );
    await clock.sample();
    await expect(clock.sample()).rejects.toThrow('away');
    expect(clock.now()).toBe(7_000);
  });
});
