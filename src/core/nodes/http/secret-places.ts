/** Where secrets are allowed in a request, and how they are encoded there. */
import type { SecretPlaces } from '../../expression/types.ts';
import { isInHost } from './url.ts';

export const secretPlaces: SecretPlaces = (pointer, parts, index) => {
  if (pointer === '/url') return inUrl(parts, index);
  if (/^\/(headers|query|form)\/|^\/body(\/|$)/.test(pointer)) return 'none';
  return { refused: 'A secret can be the value of a header, of a member of "query" or "form", or stand in "url" or "body".' };
};

function inUrl(...[parts, index]: [Parameters<SecretPlaces>[1], number]): ReturnType<SecretPlaces> {
  if (index === 0) return parts.length === 1 ? 'none' : 'base';
  const before = parts.slice(0, index).reduce((text, part) => text + (part.kind === 'text' ? part.text : 'x'), '');
  if (before.includes('#')) return { refused: 'A secret behind the "#" of a url would reach nobody: a fragment is never sent.' };
  if (isInHost(before, parts[0]?.kind === 'expression'))
    return { refused: 'A secret cannot be a part of the host: begin the url with one, or write the host out.' };
  return 'component';
}
