/**
 * CEL's optional syntax, which the library's parser does not know: `input.?name` and `list[?0]`. Each question mark is replaced by
 * a space, so that places stay the same, and its place is kept for `instrument.ts`.
 */

export type OptionalSyntax = {
  /** The source with a space in the place of each question mark. */
  readonly source: string;
  /** Places of the dots and brackets that had one. */
  readonly marks: ReadonlySet<number>;
};

/** A string with its prefix, a comment, or a mark; whatever else is passed over. */
const PIECE = /([A-Za-z_]\w*)?("""|'''|"|')|[A-Za-z_]\w*|\/\/[^\n]*|\.\s*\?|\[\s*\?/g;

export function takeOptionalSyntax(source: string): OptionalSyntax {
  if (!source.includes('?')) return { source, marks: new Set() };
  const marks = new Set<number>();
  const pieces = new RegExp(PIECE);
  let result = '';
  let copied = 0;
  for (let piece = pieces.exec(source); piece !== null; piece = pieces.exec(source)) {
    const [whole, prefix = '', quote] = piece;
    if (quote !== undefined) pieces.lastIndex = endOfString(source, pieces.lastIndex, quote, /^(r|br|rb)$/i.test(prefix));
    else if (whole.endsWith('?')) {
      marks.add(piece.index);
      result += `${source.slice(copied, pieces.lastIndex - 1)} `;
      copied = pieces.lastIndex;
    }
  }
  return { source: result + source.slice(copied), marks };
}

/** The parser refuses a string that never ends. */
function endOfString(source: string, start: number, quote: string, isRaw: boolean): number {
  for (let at = start; at < source.length; at++) {
    if (!isRaw && source[at] === '\\') at++;
    else if (source.startsWith(quote, at)) return at + quote.length;
  }
  return source.length;
}
