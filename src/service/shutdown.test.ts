import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createShutdown } from './shutdown.ts';

const log = pino({ level: 'silent' });

describe('shutdown', () => {
  it('says that it begins, then closes the last opened first, once', async () => {
    const seen: string[] = [];
    const shutdown = createShutdown(log, 1_000, () => seen.push('not ready'));
    shutdown.signal.addEventListener('abort', () => seen.push('signal'));
    shutdown.add('producer', () => seen.push('producer'));
    shutdown.add('consumer', async () => seen.push('consumer'));
    await Promise.all([shutdown.run(), shutdown.run()]);
    expect(seen).toEqual(['not ready', 'signal', 'consumer', 'producer']);
  });

  it('closes the rest when one part fails, and tells which', async () => {
    const seen: string[] = [];
    const shutdown = createShutdown(log, 1_000);
    shutdown.add('producer', () => seen.push('producer'));
    shutdown.add('consumer', () => Promise.reject(new Error('no')));
    await expect(shutdown.run()).rejects.toMatchObject({ unfinished: ['consumer'] });
    expect(seen).toEqual(['producer']);
  });

  it('leaves behind what does not close by the deadline', async () => {
    const seen: string[] = [];
    const shutdown = createShutdown(log, 20);
    shutdown.add('producer', () => seen.push('producer'));
    shutdown.add('consumer', () => Promise.withResolvers<void>().promise);
    await expect(shutdown.run()).rejects.toMatchObject({ unfinished: ['consumer'] });
    expect(seen).toEqual(['producer']);
  });
});
