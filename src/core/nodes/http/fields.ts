/** `query` and `form` of an `http` node: names with values as a URL and a form write them. */
import { UnfitValueError } from '../../instance/expressions/evaluate.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { type SecretUse, secretReference } from '../../secrets.ts';
import { encodeComponent } from './url.ts';

/** `secrets` are at places of `text`; their pointers are the caller's to set. */
export type EncodedFields = { readonly text: string; readonly secrets: readonly SecretUse[] };

/** Arrays repeat their name, null leaves it out. References to secrets stay readable: the worker encodes the values. */
export function encodeFields(field: 'query' | 'form' | 'body', value: Json, secrets: readonly SecretUse[] = []): EncodedFields {
  if (!isJsonObject(value)) throw new UnfitValueError(`\`${field}\` must be an object.`);
  const placed: SecretUse[] = [];
  let text = '';
  for (const [name, pointer, one] of membersOf(field, value)) {
    if (one === null) continue;
    if (typeof one === 'object')
      throw new UnfitValueError(`\`${field}\`: ${name} must be a string, a number, a boolean or an array of these.`);
    text += `${text === '' ? '' : '&'}${encodeComponent(name)}=`;
    const given = String(one);
    let at = 0;
    for (const use of secrets) {
      if (use.pointer !== pointer) continue;
      text += encodeComponent(given.slice(at, use.offset));
      placed.push({ ...use, offset: text.length, encoding: 'component' });
      text += secretReference(use.name);
      at = use.offset + secretReference(use.name).length;
    }
    text += encodeComponent(given.slice(at));
  }
  return { text, secrets: placed };
}

function membersOf(field: string, value: JsonObject): (readonly [name: string, pointer: string, value: Json])[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const pointer = pointerTo(`/${field}`, name);
    if (!Array.isArray(member)) return [[name, pointer, member] as const];
    return (member as readonly Json[]).map((one, index) => [name, `${pointer}/${index}`, one] as const);
  });
}

/** Before a fragment, behind a query that is there. */
export function withQuery(url: string, { text: query, secrets }: EncodedFields): EncodedFields {
  if (query === '') return { text: url, secrets: [] };
  const [address = '', fragment] = splitOnce(url, '#');
  const joint = !address.includes('?') ? '?' : /[?&]$/.test(address) ? '' : '&';
  const shift = address.length + joint.length;
  return {
    text: `${address}${joint}${query}${fragment === undefined ? '' : `#${fragment}`}`,
    secrets: secrets.map((use) => ({ ...use, offset: use.offset + shift })),
  };
}

function splitOnce(text: string, mark: string): readonly [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
