/**
 * Splits a string of a template into literal text and the expressions in `${ … }`. CEL's strings, comments and braces are
 * recognised, so that a `}` inside of one does not end the expression. `$${` stands for `${`.
 */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly source: string; readonly offset: number };

export type Placeholders = { readonly ok: true; readonly parts: readonly Part[] } | { readonly ok: false; readonly offset: number };

/** @returns `offset` of the `${` that is never closed, if there is one. */
export function splitPlaceholders(text: string): Placeholders {
  const parts: Part[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('$', at);
    if (next < 0) break;
    literal += text.slice(at, next);
    if (text.startsWith('$${', next)) {
      literal += '${';
      at = next + 3;
    } else if (text.startsWith('${', next)) {
      const end = endOfExpression(text, next + 2);
      if (end === null) return { ok: false, offset: next };
      if (literal !== '') parts.push({ kind: 'text', text: literal });
      literal = '';
      parts.push({ kind: 'expression', source: text.slice(next + 2, end), offset: next + 2 });
      at = end + 1;
    } else {
      literal += '$';
      at = next + 1;
    }
  }
  literal += text.slice(at);
  if (literal !== '' || parts.length === 0) parts.push({ kind: 'text', text: literal });
  return { ok: true, parts };
}

/** One piece of CEL: a string with its prefix, a comment, a brace; whatever else is passed over character by character. */
const PIECE = /([A-Za-z_]\w*)?("""|'''|"|')|[A-Za-z_]\w*|\/\/[^\n]*\n?|[{}]/g;

function endOfExpression(text: string, start: number): number | null {
  const pieces = new RegExp(PIECE);
  pieces.lastIndex = start;
  let depth = 0;
  for (let piece = pieces.exec(text); piece !== null; piece = pieces.exec(text)) {
    const [whole, prefix = '', quote] = piece;
    if (quote !== undefined) {
      const end = endOfText(text, pieces.lastIndex, quote, /^(r|br|rb)$/i.test(prefix));
      if (end === null) return null;
      pieces.lastIndex = end;
    } else if (whole === '{') depth++;
    else if (whole === '}' && depth-- === 0) return piece.index;
  }
  return null;
}

/** @returns the place behind the closing quote. */
function endOfText(text: string, start: number, quote: string, isRaw: boolean): number | null {
  for (let at = start; at < text.length; at++) {
    if (!isRaw && text[at] === '\\') at++;
    else if (text.startsWith(quote, at)) return at + quote.length;
    else if (quote.length === 1 && text[at] === '\n') return null;
  }
  return null;
}
