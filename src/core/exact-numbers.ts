/** Numbers in JSON that a double cannot hold exactly, such as ids of 64 bits, as strings. */
import { isExactDouble } from './decimal.ts';

/** A string, to be passed over, or a number. */
const STRING_OR_NUMBER = /"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g;

/** @param text JSON. What is no JSON stays unreadable. */
export function quoteInexactNumbers(text: string): string {
  return text.replaceAll(STRING_OR_NUMBER, (token) => (token.startsWith('"') || isExactDouble(token) ? token : `"${token}"`));
}
