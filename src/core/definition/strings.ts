/** Checks that every string of a document can be stored. */
import { isStorable, type Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import type { DefinitionErrors } from './errors.ts';

/** The depth of the document was checked before. */
export function checkStrings(value: Json, pointer: string, errors: DefinitionErrors): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) refuse(pointer, 'The string', errors);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value) as [string, Json][]) {
      const place = pointerTo(pointer, key);
      if (!isStorable(key)) refuse(place, 'The name of this member', errors);
      checkStrings(member, place, errors);
    }
  }
}

function refuse(pointer: string, what: string, errors: DefinitionErrors): void {
  errors.add(pointer, 'MR_DEF_STRING', `${what} holds a NUL character or half of a surrogate pair, which cannot be stored: leave it out.`);
}
