/**
 * Replaces how kafkajs 2.2.4 encodes a record that is produced: it takes two kilobytes and BigInt arithmetic for each, eight times
 * the CPU that the bytes need. Its request module imports the encoder from one module, which is replaced here. What is not in the
 * usual range is left to kafkajs.
 * @see https://kafka.apache.org/documentation/#record
 */
import { createRequire } from 'node:module';

type Bytes = Buffer | string | null;

export type EncodedRecord = {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key?: Bytes;
  readonly value?: Bytes;
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[]>>;
};

/** The used part of kafkajs' own encoder: it takes whatever has these two. */
type Encoded = { readonly buf: Buffer; readonly buffer: Buffer };
type Encode = (record: EncodedRecord) => Encoded;

const marker = Symbol.for('millrace.recordEncodingMended');

/** Safe to repeat. Throws when kafkajs has no such module any more. */
export function mendRecordEncoding(): void {
  const load = createRequire(import.meta.url);
  const path = load.resolve('kafkajs/src/protocol/recordBatch/record/v0');
  const original = load(path) as Encode & { readonly [marker]?: true };
  if (original[marker] === true) return;
  const module = load.cache[path];
  if (module === undefined) throw new Error('Bug: this kafkajs encodes records elsewhere; see kafkajs/record-encoding.ts');
  const ours: Encode = (record) => encodeRecord(record) ?? original(record);
  module.exports = Object.assign(ours, { [marker]: true });
}

const VARINT_BYTES_MAX = 5;
const DELTA_MAX = 2 ** 30;

/** @returns null for a record that kafkajs must encode: its time is too far from that of its batch. */
export function encodeRecord({
  offsetDelta = 0,
  timestampDelta = 0,
  key = null,
  value = null,
  headers = {},
}: EncodedRecord): Encoded | null {
  if (!Number.isInteger(timestampDelta) || Math.abs(timestampDelta) > DELTA_MAX) return null;
  const pairs: (readonly [name: string, value: Bytes])[] = [];
  for (const [name, given] of Object.entries(headers)) {
    if (Array.isArray(given)) for (const each of given as readonly Bytes[]) pairs.push([name, each]);
    else pairs.push([name, given as Bytes]);
  }
  let sizeMax = 1 + 5 * VARINT_BYTES_MAX + lengthOf(key) + lengthOf(value);
  for (const [name, each] of pairs) sizeMax += 2 * VARINT_BYTES_MAX + lengthOf(name) + lengthOf(each);
  const writer = new Writer(VARINT_BYTES_MAX + sizeMax);
  writer.byte(0);
  writer.varint(timestampDelta);
  writer.varint(offsetDelta);
  writer.bytes(key);
  writer.bytes(value);
  writer.varint(pairs.length);
  for (const [name, each] of pairs) {
    writer.bytes(name);
    writer.bytes(each);
  }
  return writer.withLength();
}

function lengthOf(bytes: Bytes): number {
  if (bytes === null) return 0;
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
}

/** Writes a body, with room for its length before it. */
class Writer {
  readonly #buffer: Buffer;
  #at = VARINT_BYTES_MAX;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  varint(value: number): void {
    this.#at = this.#putVarint(value, this.#at);
  }

  bytes(given: Bytes): void {
    const length = given === null ? -1 : lengthOf(given);
    this.varint(length);
    if (given === null) return;
    if (typeof given === 'string') this.#buffer.write(given, this.#at, length, 'utf8');
    else this.#buffer.set(given, this.#at);
    this.#at += length;
  }

  /** What was written, with its length as the first varint. */
  withLength(): Encoded {
    const end = this.#at;
    const size = end - VARINT_BYTES_MAX;
    const begin = VARINT_BYTES_MAX - sizeOfVarint(size);
    this.#putVarint(size, begin);
    return { buf: this.#buffer, buffer: this.#buffer.subarray(begin, end) };
  }

  #putVarint(value: number, from: number): number {
    let at = from;
    let rest = zigzag(value);
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at++] = rest;
    return at;
  }
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) size++;
  return size;
}
