/**
 * Outputs that are too large for a record: outcomes name them, and the database has them. They are read before anything is decided, and
 * from then on are as if they had stood in the record. Rows never change, so reading them needs no part in the transaction of the step; and
 * a row goes only once its outcome was dealt with, so whatever comes again finds it.
 */
import { setImmediate } from 'node:timers/promises';
import { isNamedBy } from '../../core/payload-reference.ts';
import { withOutput } from '../../messaging/records/task-outcome.ts';
import { outputKeyText, type TaskOutputKey, type TaskOutputs } from '../../store/task-outputs.ts';
import { isReferringRecord, type ReadRecord, type Received, type ReferringRecord } from './read-notification.ts';

export type ReferencedOutputs = Pick<TaskOutputs, 'keptOutputs' | 'removeOutputs'>;

/** Records are small whatever they name, so what is in memory at once is bounded here. */
const PORTION_BYTES = 16 * 1_048_576;

/** In their order: as many as name outputs of 16 MiB together, or one that names more. At least one portion. */
export function portionsOf(records: readonly ReadRecord[]): readonly (readonly ReadRecord[])[] {
  if (!records.some(isReferringRecord)) return [records];
  const portions: ReadRecord[][] = [[]];
  let bytes = 0;
  for (const record of records) {
    const own = isReferringRecord(record) ? record.notification.reference.bytes : 0;
    if (own > 0 && bytes > 0 && bytes + own > PORTION_BYTES) {
      portions.push([]);
      bytes = 0;
    }
    bytes += own;
    portions.at(-1)?.push(record);
  }
  return portions;
}

type ReadOutput = { readonly key: TaskOutputKey; readonly received: Received };

/** @returns the records with their outputs, and which of them were read. One that is missing, or is another, is a failed attempt. */
export async function readReferenced(
  outputs: ReferencedOutputs,
  partition: number,
  portion: readonly ReadRecord[],
): Promise<{ readonly received: readonly Received[]; readonly read: readonly ReadOutput[] }> {
  // Nearly always.
  if (portion.every(isWhole)) return { received: portion, read: [] };
  const found = await outputs.keptOutputs(partition, portion.filter(isReferringRecord).map(keyOf));
  const received: Received[] = [];
  const read: ReadOutput[] = [];
  for (const record of portion) {
    if (!isReferringRecord(record)) {
      received.push(record);
      continue;
    }
    const key = keyOf(record);
    const { notification } = record;
    const output = found.get(outputKeyText(key));
    const isThere = output !== undefined && isNamedBy(output, notification.reference);
    // Reading one of 4 MiB takes nearly a quarter of a second: it has a turn of the event loop of its own.
    await setImmediate();
    const whole = { ...record, notification: withOutput(notification, isThere ? output : undefined) };
    await setImmediate();
    received.push(whole);
    if (isThere) read.push({ key, received: whole });
  }
  return { received, read };
}

/** @param unprocessable those that are dead letters: one that is replayed needs its output, as long as its attempt is open. */
export async function removeReferenced(
  outputs: ReferencedOutputs,
  partition: number,
  read: readonly ReadOutput[],
  unprocessable: readonly { readonly notification: Received }[],
): Promise<void> {
  if (read.length === 0) return;
  const kept = new Set(unprocessable.map(({ notification }) => notification));
  const keys = read.filter(({ received }) => !kept.has(received)).map(({ key }) => key);
  await outputs.removeOutputs(partition, keys);
}

/** What will be applied as it is. */
function isWhole(record: ReadRecord): record is Received {
  return !isReferringRecord(record);
}

function keyOf({ instanceId, notification: { path, attempt, basis, reference } }: ReferringRecord): TaskOutputKey {
  return { instanceId, path, attempt, basis, sha256: reference.sha256 };
}
