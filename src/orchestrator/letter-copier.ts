/**
 * Copies the topic of dead letters into the table that people look at, once each by its place in the topic. What is no
 * letter is logged, counted and left where it is: setting it aside would only put it here again.
 */

import { isCausedByOneMessage } from '../engine/error-scope.ts';
import { type Codec, poisonOf } from '../messaging/codec.ts';
import type { DeadLetterCode, Poison } from '../messaging/dead-letter-codes.ts';
import type { LogRecord } from '../messaging/log.ts';
import type { Logger } from '../service/logging.ts';
import type { InstanceStore, NewDeadLetter } from '../store/instance-store.ts';
import type { RecordBatch } from './partition-consumer.ts';

export type LetterCopierOptions = {
  readonly codec: Codec;
  readonly store: Pick<InstanceStore, 'saveDeadLetters'>;
  readonly log: Logger;
  readonly onSkipped: (code: DeadLetterCode) => void;
};

export function createLetterCopier({ codec, store, log, onSkipped }: LetterCopierOptions): (batch: RecordBatch<null>) => Promise<void> {
  function skip({ code, reason }: Poison, place: object, error?: unknown): void {
    onSkipped(code);
    log.error(
      { ...place, code, reason, ...(error === undefined ? {} : { err: error }) },
      'A dead letter cannot be copied; it stays in its topic only',
    );
  }

  async function save(topic: string, letters: readonly NewDeadLetter[]): Promise<void> {
    const [first] = letters;
    if (first === undefined) return;
    try {
      await store.saveDeadLetters(letters);
    } catch (error) {
      if (!isCausedByOneMessage(error)) throw error;
      if (letters.length === 1) {
        const poison = { code: 'MR_STEP_FAILED', reason: 'the database refuses it' } as const;
        return skip(poison, { topic, partition: first.partition, offset: first.offset }, error);
      }
      const middle = letters.length >> 1;
      await save(topic, letters.slice(0, middle));
      await save(topic, letters.slice(middle));
    }
  }

  return async ({ topic, records }) => {
    const letters: NewDeadLetter[] = [];
    for (const record of records) {
      const letter = await readLetter(record, codec);
      if (letter.ok) letters.push(letter.letter);
      else skip(letter.poison, { topic, partition: record.partition, offset: String(record.offset) });
    }
    await save(topic, letters);
  };
}

type Letter = { readonly ok: true; readonly letter: NewDeadLetter } | { readonly ok: false; readonly poison: Poison };

async function readLetter({ partition, offset, value: bytes }: LogRecord, codec: Codec): Promise<Letter> {
  if (bytes === null) return { ok: false, poison: { code: 'MR_TOMBSTONE', reason: 'it has no value' } };
  const decoded = await codec.decode(bytes, ['DeadLetter']);
  if (!decoded.ok) return { ok: false, poison: poisonOf(decoded) };
  const { code, reason, instanceId, at, key, value, headers, ...original } = decoded.value;
  const place = { topic: original.topic, partition: original.partition, offset: String(original.offset) };
  return {
    ok: true,
    letter: { partition, offset: String(offset), code, reason, original: { ...place, key, value, headers }, instanceId, at },
  };
}
