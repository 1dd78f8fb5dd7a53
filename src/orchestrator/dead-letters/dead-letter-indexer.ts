/**
 * Writes the topic of dead letters into the table that people look at, each once, by its offset in the topic. A record that is not
 * a dead letter is only logged and counted: a dead letter for it would come back to this topic.
 */

import { writeSplitting } from '../../engine/write-splitting.ts';
import { type Codec, invalidMessageOf } from '../../messaging/codec.ts';
import type { DeadLetterCode, InvalidMessage } from '../../messaging/dead-letter-codes.ts';
import type { LogRecord } from '../../messaging/log.ts';
import { readDeadLetterRecord } from '../../messaging/records/dead-letter.ts';
import type { Logger } from '../../service/logging.ts';
import type { InstanceStore, NewDeadLetter } from '../../store/instance-store.ts';
import { LoopTurns } from '../../store/loop-turns.ts';
import type { RecordBatch } from '../consumer/partition-consumer.ts';

export type DeadLetterIndexerOptions = {
  readonly codec: Codec;
  readonly store: Pick<InstanceStore, 'saveDeadLetters'>;
  readonly log: Logger;
  readonly onSkipped: (code: DeadLetterCode) => void;
};

export function createDeadLetterIndexer({
  codec,
  store,
  log,
  onSkipped,
}: DeadLetterIndexerOptions): (batch: RecordBatch<null>) => Promise<void> {
  function skip({ code, reason }: InvalidMessage, place: object, error?: unknown): void {
    onSkipped(code);
    log.error(
      { ...place, code, reason, ...(error === undefined ? {} : { err: error }) },
      'A dead letter cannot be written to the database; it stays in its topic only',
    );
  }

  return async ({ topic, records }) => {
    const deadLetters: NewDeadLetter[] = [];
    const turns = new LoopTurns();
    for (const record of records) {
      await turns.take();
      const read = await readDeadLetter(record, codec);
      if (read.ok) deadLetters.push(read.deadLetter);
      else skip(read.invalid, { topic, partition: record.partition, offset: String(record.offset) });
    }
    const refused = await writeSplitting(deadLetters, (some) => store.saveDeadLetters(some));
    for (const { item, error } of refused) {
      const place = { topic, partition: item.partition, offset: item.offset };
      skip({ code: 'MR_STEP_FAILED', reason: 'the database refuses the row' }, place, error);
    }
  };
}

type ReadRecord = { readonly ok: true; readonly deadLetter: NewDeadLetter } | { readonly ok: false; readonly invalid: InvalidMessage };

async function readDeadLetter({ partition, offset, value: bytes, unreadable }: LogRecord, codec: Codec): Promise<ReadRecord> {
  if (unreadable !== undefined) return { ok: false, invalid: unreadable };
  if (bytes === null) return { ok: false, invalid: { code: 'MR_TOMBSTONE', reason: 'the record has no value' } };
  const decoded = await codec.decode(bytes, ['DeadLetter']);
  if (!decoded.ok) return { ok: false, invalid: invalidMessageOf(decoded) };
  return { ok: true, deadLetter: { partition, offset: String(offset), ...readDeadLetterRecord(decoded.value) } };
}
