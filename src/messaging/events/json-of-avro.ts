/** Values that avsc read by somebody else's schema, as JSON: bytes as base64, and no number that JSON would lose. */
import type { Json } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';

const depthMax = 200;

/** The error says what cannot be JSON, and quotes nothing. */
export function jsonOfAvro(value: unknown): Result<Json, string> {
  try {
    return ok(convert(value, 0));
  } catch (error) {
    if (error instanceof NoJson) return err(error.message);
    throw error;
  }
}

class NoJson extends Error {}

function convert(value: unknown, depth: number): Json {
  if (depth > depthMax) throw new NoJson(`deeper than ${depthMax} levels`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new NoJson('a number that is not finite');
      // JSON has no negative zero.
      return value === 0 ? 0 : value;
    case 'object':
      if (value === null) return null;
      if (Buffer.isBuffer(value)) return value.toString('base64');
      if (Array.isArray(value)) return value.map((item) => convert(item, depth + 1));
      // Not by assignment: a field or key `__proto__` is data like any other.
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, convert(member, depth + 1)]));
    default:
      throw new NoJson(`a value of type ${typeof value}`);
  }
}
