/**
 * The one limit of correlation keys, wherever one is made: by a wait, by `publish`, by REST, or by a record that is read.
 * A key that one side took and the other refused would let an event miss its wait.
 */

/** Most characters of a correlation key. It is indexed, so it must stay far below a page of the database. */
export const CORRELATION_KEY_LENGTH_MAX = 500;

/** Characters as JSON Schema counts them: Unicode code points. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
