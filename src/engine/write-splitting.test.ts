import { describe, expect, it } from 'vitest';
import { MillraceError } from '../core/error.ts';
import { writeSplitting } from './write-splitting.ts';

const refusal = new MillraceError('MR_DATA_REFUSED', 'no', { retryable: false });

/** A database that refuses these. */
function database(refused: readonly number[]) {
  const written: number[] = [];
  let transactions = 0;
  return {
    written,
    transactions: () => transactions,
    write: async (items: readonly number[]) => {
      transactions++;
      if (items.some((item) => refused.includes(item))) throw refusal;
      written.push(...items);
    },
  };
}

const items = Array.from({ length: 1_000 }, (_, index) => index);

describe('Writing what may be refused', () => {
  it('is one transaction when nothing is', async () => {
    const { write, written, transactions } = database([]);
    expect(await writeSplitting(items, write)).toEqual([]);
    expect(written).toEqual(items);
    expect(transactions()).toBe(1);
  });

  it('finds those that are, and writes the others in their order', async () => {
    const { write, written, transactions } = database([0, 617]);
    expect(await writeSplitting(items, write)).toEqual([
      { item: 0, error: refusal },
      { item: 617, error: refusal },
    ]);
    expect(written).toEqual(items.filter((item) => item !== 0 && item !== 617));
    expect(transactions()).toBeLessThan(50);
  });

  it('gives up at once while the database is away', async () => {
    const away = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
    let calls = 0;
    const write = () => {
      calls++;
      return Promise.reject(away);
    };
    await expect(writeSplitting(items, write)).rejects.toBe(away);
    expect(calls).toBe(1);
  });

  it('does nothing for nothing', async () => {
    const { write, transactions } = database([]);
    expect(await writeSplitting([], write)).toEqual([]);
    expect(transactions()).toBe(0);
  });
});
