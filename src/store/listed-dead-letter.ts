/** A dead letter in a list: large parts are cut. Reading it by its id gives all of it. */
import type { DeadLetterRow, ListedDeadLetter } from './instance-queries.ts';

/** Of a key and of a value, in bytes; above so many characters all headers are left out. */
export const listedBytesMax = 4_096;

export function listed(letter: DeadLetterRow): ListedDeadLetter {
  const { key, value, headers } = letter;
  const headerBytes = headers.reduce((sum, header) => sum + header.key.length + header.value.length, 0);
  return {
    ...letter,
    key: key?.subarray(0, listedBytesMax) ?? null,
    value: value?.subarray(0, listedBytesMax) ?? null,
    headers: headerBytes > listedBytesMax ? [] : headers,
    valueBytes: value?.length ?? 0,
  };
}
