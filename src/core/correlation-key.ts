/**
 * The limit of correlation keys, the same wherever one is made: by a wait, by `publish`, by REST, or in a record. If one side
 * accepted a key that another refuses, an event would miss its wait.
 */

/** Most characters of a correlation key. It is indexed, so it must stay far below a page of the database. */
export const CORRELATION_KEY_LENGTH_MAX = 500;

/** Characters as JSON Schema counts them: Unicode code points. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
