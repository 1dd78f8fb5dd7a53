/** Text as the tables hold it. Postgres cannot store U+0000 in a text column: it becomes U+FFFD, in what is written and in what is looked up. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
