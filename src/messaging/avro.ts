/**
 * Avro types by avsc, made safe for untrusted bytes and schemas: avsc reads as many items as an array or a map claims to have,
 * past the end of the bytes, so a few bytes could fill the memory. These types stop where the bytes end. A long that is not exact
 * is refused.
 */
import avsc, { type Schema, type Type } from 'avsc';

/** Schemas above this are not compiled. */
export const schemaTextBytesMax = 262_144;

/** What avsc's types use of its reader and of each other; its typings leave these out. */
type Tap = {
  pos: number;
  readonly buf: Buffer;
  readLong(): number;
  writeLong(value: number): void;
  skipLong(): void;
  readString(): string;
  skipString(): void;
};
type Reading = { _read(tap: Tap): unknown; _skip(tap: Tap): void };

/** avsc's message when it reads a long that a double would change. */
export const unsafeLongMessage = 'potential precision loss';

/** Most items of an array or map that take no bytes (null, empty records). */
const emptyItemsMax = 10_000;

/** The number of items in the next block, 0 at the end. */
function readBlockLength(tap: Tap): number {
  let items = tap.readLong();
  if (items < 0) {
    items = -items;
    tap.skipLong();
  }
  const left = tap.buf.length - tap.pos;
  if (left < 0 || !(items <= Math.max(left, emptyItemsMax))) throw new Error('truncated buffer');
  return items;
}

/** avsc doubles a long to write it, and loses the sign of odd ones beyond this. */
const exactLongMax = 2 ** 52;

class ExactLongType extends avsc.types.LongType {
  _read(tap: Tap): number {
    const value = tap.readLong();
    if (!(Math.abs(value) < exactLongMax)) throw new Error(unsafeLongMessage);
    return value;
  }

  _write(tap: Tap, value: number): void {
    if (!Number.isInteger(value) || Math.abs(value) >= exactLongMax) throw new Error('invalid "long"');
    tap.writeLong(value);
  }
}

class BoundedArrayType extends avsc.types.ArrayType {
  _read(this: { readonly itemsType: Reading }, tap: Tap): unknown[] {
    const values: unknown[] = [];
    for (let items = readBlockLength(tap); items > 0; items = readBlockLength(tap)) {
      while (items-- > 0) values.push(this.itemsType._read(tap));
    }
    return values;
  }

  _skip(this: { readonly itemsType: Reading }, tap: Tap): void {
    for (let items = readBlockLength(tap); items > 0; items = readBlockLength(tap)) {
      while (items-- > 0) this.itemsType._skip(tap);
    }
  }
}

class BoundedMapType extends avsc.types.MapType {
  _read(this: { readonly valuesType: Reading }, tap: Tap): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (let items = readBlockLength(tap); items > 0; items = readBlockLength(tap)) {
      while (items-- > 0) entries.push([tap.readString(), this.valuesType._read(tap)]);
    }
    // Not by assignment: a key `__proto__` is data like any other.
    return Object.fromEntries(entries);
  }

  _skip(this: { readonly valuesType: Reading }, tap: Tap): void {
    for (let items = readBlockLength(tap); items > 0; items = readBlockLength(tap)) {
      while (items-- > 0) {
        tap.skipString();
        this.valuesType._skip(tap);
      }
    }
  }
}

/** Compiles a schema. Throws on one that is no Avro. */
export function avroTypeOf(schema: unknown): Type {
  return avsc.Type.forSchema(schema as Schema, {
    // Unions are read without avsc's wrapper objects: records of Millrace have no ambiguous unions.
    wrapUnions: 'never',
    omitRecordMethods: true,
    typeHook: (part, options) => {
      if (part === 'long') return new ExactLongType();
      if (typeof part !== 'object' || Array.isArray(part) || part instanceof avsc.Type || !('type' in part)) return undefined;
      if (part.type === 'long') return new ExactLongType();
      // avsc builds the parts of these itself and asks this hook again for each.
      if (part.type === 'array') return new BoundedArrayType(part as never, options as never);
      if (part.type === 'map') return new BoundedMapType(part as never, options as never);
      return undefined;
    },
  });
}
