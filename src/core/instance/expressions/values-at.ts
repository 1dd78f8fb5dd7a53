/**
 * The values that a `where` names, as they are when the wait opens: an event is compared later, elsewhere, with these. Only
 * what stands at the named paths is taken along, not the whole outputs around it.
 */
import type { Reference, Scope } from '../../expression/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

export function valuesAt(names: Scope, references: readonly Reference[]): JsonObject {
  const taken: Record<string, Json> = {};
  for (const { root, path } of references) {
    const value = names[root];
    // The event itself comes later.
    if (root !== 'event' && value !== undefined) copyAt(taken, root, value, path);
  }
  return taken;
}

/** Members on the way are objects of our own; a path that ends early takes what is there whole. */
function copyAt(into: Record<string, Json>, name: string, value: Json, path: readonly string[]): void {
  const [next, ...rest] = path;
  if (next === undefined || !isJsonObject(value) || !Object.hasOwn(value, next)) {
    define(into, name, value);
    return;
  }
  const before = Object.hasOwn(into, name) ? into[name] : undefined;
  // Another reference has taken it whole, or it is the same object.
  if (before === value) return;
  const holder: Record<string, Json> = isJsonObject(before) ? { ...before } : {};
  copyAt(holder, next, value[next] as Json, rest);
  define(into, name, holder);
}

/** A member may be called `__proto__`. */
function define(into: Record<string, Json>, name: string, value: Json): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true });
}
