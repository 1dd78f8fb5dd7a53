import { expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { LogRecord } from '../../messaging/log.ts';
import { deadLetterRecord } from '../../messaging/records/dead-letter.ts';
import type { NewDeadLetter } from '../../store/instance-store.ts';
import { DEAD_LETTERS, memoryCodec, silent, T0 } from '../testing/fixture.ts';
import { createDeadLetterIndexer } from './dead-letter-indexer.ts';

async function open(refuse: (deadLetters: readonly NewDeadLetter[]) => Error | null = () => null) {
  const { codec } = await memoryCodec();
  const saved: NewDeadLetter[] = [];
  const skipped: string[] = [];
  const run = createDeadLetterIndexer({
    codec,
    store: {
      saveDeadLetters: async (deadLetters) => {
        const error = refuse(deadLetters);
        if (error !== null) throw error;
        saved.push(...deadLetters);
      },
    },
    log: silent,
    onSkipped: (code) => skipped.push(code),
  });
  const original: LogRecord = {
    ...{ topic: 'p.notifications', partition: 5, offset: 77n, timestamp: 0, key: Buffer.from('k'), value: Buffer.from([1, 2, 3]) },
    headers: [{ key: 'h', value: Buffer.from([9]) }],
  };
  const sent = deadLetterRecord(
    codec,
    DEAD_LETTERS,
    { code: 'MR_NOT_FRAMED', reason: 'why', original, instanceId: null, at: T0 },
    1_048_576,
  );
  const process = async (...values: readonly (Buffer | null)[]): Promise<void> => {
    const records = values.map(
      (value, offset): LogRecord => ({
        topic: DEAD_LETTERS,
        partition: 2,
        offset: BigInt(offset),
        timestamp: 0,
        key: null,
        value,
        headers: [],
      }),
    );
    await run({ topic: DEAD_LETTERS, partition: 2, records, context: null });
  };
  return { process, saved, skipped, original, value: sent.value };
}

test('saves a dead letter whole, with its place in the topic', async () => {
  const { process, saved, original, value } = await open();
  await process(null, value);
  const { key, value: bytes, headers } = original;
  expect(saved).toEqual([
    {
      ...{ partition: 2, offset: '1', code: 'MR_NOT_FRAMED', reason: 'why', instanceId: null, omitted: null, at: T0 },
      original: { topic: 'p.notifications', partition: 5, offset: '77', key, value: bytes, headers },
    },
  ]);
});

test('counts what is no dead letter, and goes on', async () => {
  const { process, saved, skipped, value } = await open();
  await process(Buffer.from('junk'), null, value);
  expect(skipped).toEqual(['MR_NOT_FRAMED', 'MR_TOMBSTONE']);
  expect(saved).toHaveLength(1);
});

test('counts a dead letter that the database never takes, and saves the others', async () => {
  const refused = new MillraceError('MR_DATA_REFUSED', 'refused', { retryable: false });
  const { process, saved, skipped, value } = await open((deadLetters) =>
    deadLetters.some(({ offset }) => offset === '1') ? refused : null,
  );
  await process(value, value, value);
  expect(skipped).toEqual(['MR_STEP_FAILED']);
  expect(saved.map(({ offset }) => offset)).toEqual(['0', '2']);
});

test('throws while the database is away', async () => {
  const { process, skipped, value } = await open(() => new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true }));
  await expect(process(value)).rejects.toMatchObject({ retryable: true });
  expect(skipped).toEqual([]);
});
