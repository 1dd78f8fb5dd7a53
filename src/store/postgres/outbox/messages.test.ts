import { expect, it } from 'vitest';
import type { OutboxMessage } from '../../../core/outbox-message.ts';
import type { Pool } from '../connection/pools.ts';
import { publish } from './messages.ts';

const message = (bytes: number): OutboxMessage => ({
  ...{ topic: 't', key: 'k', messageType: 'ExternalEvent', partition: null },
  payload: Buffer.alloc(bytes),
});

/** Answers when it is told to. */
function slowPool() {
  const answers: (() => void)[] = [];
  const pool = { query: async () => await new Promise<void>((resolve) => answers.push(resolve)) } as unknown as Pool;
  return { pool, answers };
}

it('Parameters are made of a few large messages at a time, and small ones pass them', async () => {
  const { pool, answers } = slowPool();
  const all = Array.from({ length: 10 }, () => publish(pool, [message(100_000)]));
  await expect.poll(() => answers.length).toBe(4);
  const small = publish(pool, [message(1_000)]);
  await expect.poll(() => answers.length).toBe(5);
  answers[4]?.();
  await small;
  answers[0]?.();
  await all[0];
  await expect.poll(() => answers.length).toBe(6);
  for (let n = 1; n < 11; n++) {
    await expect.poll(() => answers.length).toBeGreaterThan(n);
    answers[n]?.();
  }
  await Promise.all(all);
});
