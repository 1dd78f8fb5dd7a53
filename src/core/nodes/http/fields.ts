/** `query` and `form` of an `http` node: names with values as a URL and a form write them. */
import { UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { encodeComponent } from './url.ts';

/** Arrays repeat their name, null leaves it out. */
export function encodeFields(field: 'query' | 'form' | 'body', value: Json): string {
  if (!isJsonObject(value)) throw new UnfitValueError(`\`${field}\` must be an object.`);
  return Object.entries(value)
    .flatMap(([name, member]) => (Array.isArray(member) ? (member as readonly Json[]) : [member]).map((one) => [name, one] as const))
    .flatMap(([name, one]) => {
      if (one === null) return [];
      if (typeof one === 'object')
        throw new UnfitValueError(`\`${field}\`: ${name} must be a string, a number, a boolean or an array of these.`);
      return [`${encodeComponent(name)}=${encodeComponent(String(one))}`];
    })
    .join('&');
}

/** Before a fragment, behind a query that is there. */
export function withQuery(url: string, query: string): string {
  if (query === '') return url;
  const [address = '', fragment] = splitOnce(url, '#');
  const joint = !address.includes('?') ? '?' : /[?&]$/.test(address) ? '' : '&';
  return `${address}${joint}${query}${fragment === undefined ? '' : `#${fragment}`}`;
}

function splitOnce(text: string, mark: string): readonly [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
