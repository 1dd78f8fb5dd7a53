/** Turns numbers in JSON text that a double cannot hold exactly, such as ids of 64 bits, into strings. */
import { isExactDouble } from './decimal.ts';

/** Matches strings too, so that a number inside of one is not found. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** @param text that `JSON.parse` has accepted: the search for the end of a string would be repeated at each quote otherwise. */
export function quoteInexactNumbers(text: string): string {
  return text.replaceAll(STRING_OR_NUMBER, (token) => (token.startsWith('"') || isExactDouble(token) ? token : `"${token}"`));
}
