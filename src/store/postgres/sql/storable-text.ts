/**
 * Strings as the tables hold them. Postgres cannot store U+0000 in a text column: it becomes U+FFFD, both in stored values and in
 * values of searches.
 */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
