/**
 * Values in the `url` of an `http` node. Each is encoded for its place, so that it can never change the path, the parameters or
 * the host of the request. Only an expression at the beginning of the url may give more than one part.
 */
import type { Encode, Part } from '../../expression/index.ts';
import { UnfitValueError } from '../../instance/expressions/evaluate.ts';

/** How the value of each part is encoded; null for the literal parts, and for an expression that begins the url. */
export function urlEncoders(parts: readonly Part[]): readonly (Encode | null)[] {
  const [first] = parts;
  if (parts.length === 1 && first?.kind === 'expression') return [null];
  let before = '';
  return parts.map((part, index) => {
    if (part.kind === 'text') {
      before += part.text;
      return null;
    }
    const encode = index === 0 ? baseBefore(parts[1]) : encoderAfter(before, first?.kind === 'expression', parts[index + 1]);
    // Stands for the value, and for the scheme and host of a base address.
    before += 'x';
    return encode;
  });
}

function encoderAfter(before: string, hasBase: boolean, next: Part | undefined): Encode {
  if (/[?#]/.test(before)) return encodeComponent;
  if (isInHost(before, hasBase)) return hostPart;
  const isWholePart = before.endsWith('/') && (next === undefined || (next.kind === 'text' && /^[/?#]/.test(next.text)));
  return isWholePart ? wholePart : encodeComponent;
}

/** @param hasBase the url begins with an expression, which is an `x` in `before`. */
export function isInHost(before: string, hasBase: boolean): boolean {
  return hasBase ? /^x:\/\/[^/]*$/.test(before) : /^[a-z]+:\/\/[^/]*$/i.test(before);
}

export function encodeComponent(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** An empty value is refused: `/customers/` in place of `/customers/7` would ask for, or delete, all of them. */
function wholePart(text: string): string {
  if (text === '') throw new UnfitValueError('`url`: the value of an expression makes an empty part of the path.');
  return encodeComponent(text);
}

function hostPart(text: string): string {
  if (/^[A-Za-z0-9._:[\]-]+$/.test(text)) return text;
  throw new UnfitValueError('`url`: the value of an expression in the host has characters that no host has.');
}

/** The text after it would become part of its query or fragment. */
function baseBefore(next: Part | undefined): Encode {
  const continuesQuery = next?.kind === 'text' && next.text.startsWith('&');
  return (text) => {
    if (text.includes('#') || (text.includes('?') && !continuesQuery))
      throw new UnfitValueError('`url`: the address that begins it has a query or a fragment, behind which more follows.');
    return text;
  };
}

/** A URL drops `.` and `..`, encoded or not, and with `..` the part before it. For a url that was put together. */
export function checkPath(url: string): void {
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? '';
  for (const segment of path.split(/[/\\]/).slice(1))
    if (/^(?:\.|%2e){1,2}$/i.test(segment))
      throw new UnfitValueError('`url`: the value of an expression makes `.` or `..` of a part of the path.');
}
