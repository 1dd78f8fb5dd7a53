/**
 * Arrays in Postgres' binary format. node-postgres sends a buffer unchanged, so that no value is escaped, quoted or turned into
 * hex. A statement names the type (`$1::uuid[]`). Layout (array_recv): dimensions, null flag, element type, length, lower bound;
 * then each element with its length before it, -1 for NULL. Never reads arrays.
 */

/** Object ids of the element types, from pg_type. */
const oids = { bool: 16, bytea: 17, int8: 20, int4: 23, text: 25, json: 114, timestamptz: 1184, uuid: 2950 } as const;

const HEADER_BYTES = 20;
/** Postgres counts time from 2000-01-01, in microseconds. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const HALF = 2 ** 32;

export function uuidArray(items: readonly (string | null)[]): Buffer {
  return fixedArray(oids.uuid, 16, items, (buffer, item, at) => {
    buffer.write(item.replaceAll('-', ''), at, 16, 'hex');
  });
}

export function int4Array(items: readonly (number | null)[]): Buffer {
  return fixedArray(oids.int4, 4, items, (buffer, item, at) => buffer.writeInt32BE(item, at));
}

export function int8Array(items: readonly (number | bigint | null)[]): Buffer {
  return fixedArray(oids.int8, 8, items, (buffer, item, at) => buffer.writeBigInt64BE(BigInt(item), at));
}

export function boolArray(items: readonly (boolean | null)[]): Buffer {
  return fixedArray(oids.bool, 1, items, (buffer, item, at) => buffer.writeUInt8(item ? 1 : 0, at));
}

/** @param items milliseconds since 1970. */
export function timestamptzArray(items: readonly (number | null)[]): Buffer {
  return fixedArray(oids.timestamptz, 8, items, (buffer, item, at) => {
    // In two halves: the product would not fit into a double, and a bigint is far slower.
    const ms = Math.round(item) - POSTGRES_EPOCH_MS;
    const high = Math.floor(ms / HALF);
    const low = (ms - high * HALF) * 1_000;
    const carry = Math.floor(low / HALF);
    buffer.writeInt32BE(high * 1_000 + carry, at);
    buffer.writeUInt32BE(low - carry * HALF, at + 4);
  });
}

/** Postgres cannot hold U+0000 in text: it becomes U+FFFD, both in stored values and in values of searches. */
export function textArray(items: readonly (string | null)[]): Buffer {
  return stringArray(oids.text, items, true);
}

/** @param items JSON texts; in them U+0000 is escaped and stays. */
export function jsonArray(items: readonly (string | null)[]): Buffer {
  return stringArray(oids.json, items, false);
}

export function byteaArray(items: readonly (Uint8Array | null)[]): Buffer {
  let size = HEADER_BYTES;
  for (const item of items) size += 4 + (item?.length ?? 0);
  const buffer = begin(oids.bytea, items, size);
  let at = HEADER_BYTES;
  for (const item of items) {
    at = buffer.writeInt32BE(item?.length ?? -1, at);
    if (item === null) continue;
    buffer.set(item, at);
    at += item.length;
  }
  return emptyOr(buffer, items);
}

function stringArray(oid: number, items: readonly (string | null)[], clean: boolean): Buffer {
  const texts = clean ? items.map((item) => (item?.includes('\0') ? item.replaceAll('\0', '\ufffd') : item)) : items;
  let room = HEADER_BYTES;
  // Three bytes a UTF-16 unit at most: one allocation without counting first, cut to size at the end.
  for (const text of texts) room += 4 + (text === null ? 0 : text.length * 3);
  const buffer = begin(oid, items, room);
  let at = HEADER_BYTES;
  for (const text of texts) {
    if (text === null) {
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    const written = buffer.write(text, at + 4);
    buffer.writeInt32BE(written, at);
    at += 4 + written;
  }
  return emptyOr(buffer.subarray(0, at), items);
}

function fixedArray<T>(
  oid: number,
  width: number,
  items: readonly (T | null)[],
  write: (buffer: Buffer, item: T, at: number) => void,
): Buffer {
  const buffer = begin(oid, items, HEADER_BYTES + items.length * (4 + width));
  let at = HEADER_BYTES;
  for (const item of items) {
    at = buffer.writeInt32BE(item === null ? -1 : width, at);
    if (item === null) continue;
    write(buffer, item, at);
    at += width;
  }
  return emptyOr(buffer.subarray(0, at), items);
}

function begin(oid: number, items: readonly unknown[], size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size);
  buffer.writeInt32BE(items.length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(items.includes(null) ? 1 : 0, 4);
  buffer.writeUInt32BE(oid, 8);
  buffer.writeInt32BE(items.length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

/** An empty array has no dimension, and so neither length nor bound. */
function emptyOr(buffer: Buffer, items: readonly unknown[]): Buffer {
  return items.length === 0 ? buffer.subarray(0, 12) : buffer;
}
