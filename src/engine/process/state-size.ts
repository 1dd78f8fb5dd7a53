/**
 * About how many bytes a state takes in memory. Scopes, tasks and payloads are immutable, so each is measured once, however many
 * states share it. Measuring a state after a step costs only what the step has changed.
 */
import type { InstanceState, ScopeState } from '../../core/instance/state/state.ts';

const OBJECT_BYTES = 64;
const MEMBER_BYTES = 24;

const measured = new WeakMap<object, number>();

export function estimateStateBytes(state: InstanceState): number {
  let bytes = OBJECT_BYTES;
  // Own members of plain objects only: `in` costs half of what `Object.entries` does, and this runs at each step.
  for (const name in state) {
    bytes += MEMBER_BYTES;
    if (name !== 'scopes') bytes += remember(memberOf(state, name));
    else for (const path in state.scopes) bytes += MEMBER_BYTES + path.length + bytesOfScope(memberOf(state.scopes, path) as ScopeState);
  }
  return bytes;
}

/** Tasks are cached one by one: after a step only those that it replaced are measured. */
function bytesOfScope(scope: ScopeState): number {
  const known = measured.get(scope);
  if (known !== undefined) return known;
  let bytes = OBJECT_BYTES;
  for (const name in scope) {
    bytes += MEMBER_BYTES;
    const member = memberOf(scope, name);
    if ((name !== 'tasks' && name !== 'undo') || typeof member !== 'object' || member === null) bytes += measure(member);
    else for (const path in member) bytes += MEMBER_BYTES + path.length + remember(memberOf(member, path));
  }
  measured.set(scope, bytes);
  return bytes;
}

function memberOf(object: object, key: string): unknown {
  return object[key as keyof typeof object];
}

function remember(value: unknown): number {
  if (typeof value !== 'object' || value === null) return measure(value);
  const known = measured.get(value);
  if (known !== undefined) return known;
  const bytes = measure(value);
  measured.set(value, bytes);
  return bytes;
}

function measure(value: unknown): number {
  if (typeof value === 'string') return OBJECT_BYTES / 2 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = OBJECT_BYTES;
  for (const key in value) bytes += MEMBER_BYTES + (Array.isArray(value) ? 0 : key.length) + measure(memberOf(value, key));
  return bytes;
}
