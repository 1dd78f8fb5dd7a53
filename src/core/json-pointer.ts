/** JSON pointers (RFC 6901). */

export function pointerTo(parent: string, member: string | number): string {
  return `${parent}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function pointerOf(members: readonly (string | number)[]): string {
  return members.reduce<string>(pointerTo, '');
}
