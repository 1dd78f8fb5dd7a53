/** Makes JSON of the value that a handler returned, or says why that is not possible. Nothing is rounded or dropped silently. */

import type { Json } from '../core/json.ts';
import { pointerTo } from '../core/json-pointer.ts';
import { err, ok, type Result } from '../core/result.ts';

export type JsonOutput = { readonly value: Json; readonly text: string };

const DEPTH_MAX = 200;

/** `undefined` counts as null, and a member that is undefined is left out, as JSON does. */
export function toJsonOutput(value: unknown): Result<JsonOutput, string> {
  if (value === undefined || value === null) return ok({ value: null, text: 'null' });
  const notes = { leavesOut: false };
  const error = findError(value, '', 0, notes);
  if (error !== null) return err(error);
  const text = JSON.stringify(value);
  // The checked value is JSON, except for members that JSON leaves out.
  return ok({ value: notes.leavesOut ? (JSON.parse(text) as Json) : (value as Json), text });
}

/** The error at the first place whose value JSON cannot hold. */
function findError(value: unknown, pointer: string, depth: number, notes: { leavesOut: boolean }): string | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null;
    case 'number':
      if (!Number.isFinite(value)) return `${pointer || '/'}: ${value} is not JSON.`;
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        return `${pointer || '/'}: an integer beyond 2^53 cannot be held exactly: send it as a string.`;
      return null;
    case 'object':
      return value === null ? null : findErrorInside(value, pointer, depth, notes);
    default:
      return `${pointer || '/'}: a ${typeof value} is not JSON.`;
  }
}

function findErrorInside(value: object, pointer: string, depth: number, notes: { leavesOut: boolean }): string | null {
  if (depth > DEPTH_MAX) return `${pointer.slice(0, 100)}: nested deeper than ${DEPTH_MAX} levels, or holds itself.`;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      const error =
        item === undefined ? `${pointer}/${index}: undefined is not JSON.` : findError(item, `${pointer}/${index}`, depth + 1, notes);
      if (error !== null) return error;
    }
    return null;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null && !isForeignPlain(prototype)) || 'toJSON' in value)
    return `${pointer || '/'}: a ${value.constructor?.name ?? 'value'} is not JSON: return plain objects, arrays, strings and numbers.`;
  for (const key of Object.keys(value)) {
    const member: unknown = value[key as keyof typeof value];
    if (member === undefined) {
      notes.leavesOut = true;
      continue;
    }
    const error = findError(member, pointerTo(pointer, key), depth + 1, notes);
    if (error !== null) return error;
  }
  return null;
}

/** `Object.prototype` of another realm (a vm, or a test runner): it has no prototype itself. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty')
  );
}
