/** JSON pointers (RFC 6901). */
import { isJsonObject, type Json } from './json.ts';
import { own } from './record.ts';

export function pointerTo(parent: string, member: string | number): string {
  return `${parent}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function pointerOf(members: readonly (string | number)[]): string {
  return members.reduce<string>(pointerTo, '');
}

/** Undefined where the pointer leads nowhere. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)];
    else at = isJsonObject(at) ? own(at, key) : undefined;
  }
  return at;
}
