/** A dead letter in a list: large parts are cut. Reading it by its id gives all of it. */
import type { DeadLetterRow, ListedDeadLetter } from './instance-queries.ts';
import { listedBytesMax } from './page-limits.ts';

export function listed(deadLetter: DeadLetterRow): ListedDeadLetter {
  const { key, value, headers } = deadLetter;
  const headerBytes = headers.reduce((sum, header) => sum + header.key.length + header.value.length, 0);
  return {
    ...deadLetter,
    key: key?.subarray(0, listedBytesMax) ?? null,
    value: value?.subarray(0, listedBytesMax) ?? null,
    headers: headerBytes > listedBytesMax ? [] : headers,
    valueBytes: value?.length ?? 0,
  };
}
