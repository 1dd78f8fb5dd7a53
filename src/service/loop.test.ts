import { pino } from 'pino';
import { expect, test } from 'vitest';
import { MillraceError } from '../core/error.ts';
import { startLoop } from './loop.ts';

const silent = pino({ level: 'silent' });

test('goes on after outages and after bugs', async () => {
  const ending = new AbortController();
  const errors: (Error | null)[] = [
    new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true }),
    new TypeError('oops'),
    null,
    null,
  ];
  const enough = Promise.withResolvers<void>();
  const loop = startLoop({
    what: 'round',
    round: async () => {
      const error = errors.shift();
      if (error === undefined) enough.resolve();
      if (error !== undefined && error !== null) throw error;
      return error === undefined ? 60_000 : 0;
    },
    signal: ending.signal,
    log: silent,
  });
  await enough.promise;
  ending.abort();
  await loop.ended;
  expect(errors).toEqual([]);
});

test('ends only after the round under way', async () => {
  const ending = new AbortController();
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  let ended = false;
  const loop = startLoop({
    what: 'round',
    round: async () => {
      begun.resolve();
      await held.promise;
      return 0;
    },
    signal: ending.signal,
    log: silent,
  });
  void loop.ended.then(() => {
    ended = true;
  });
  await begun.promise;
  ending.abort();
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  held.resolve();
  await loop.ended;
});
