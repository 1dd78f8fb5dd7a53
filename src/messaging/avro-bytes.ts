/** Reads Avro's binary encoding from untrusted bytes: never past their end, and with a limit on values that take no bytes. */

/** A number that a double, and so JSON, cannot hold exactly. */
export class UnsafeNumber extends Error {}

/** Most values that take no bytes (null, empty records), beside a few for each byte. */
const freeValuesMax = 10_000;
const valuesPerByteMax = 4;

/** As in JSON: 2^53 itself may be what another reader made of a larger number. */
const longMax = BigInt(Number.MAX_SAFE_INTEGER);

export class AvroBytes {
  readonly #bytes: Buffer;
  #at = 0;
  #values = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Counts a value that may have taken no bytes. */
  spend<Value>(value: Value): Value {
    if (++this.#values > freeValuesMax + valuesPerByteMax * this.#bytes.length) throw new Error('more values than bytes');
    return value;
  }

  assertEnd(): void {
    if (this.#at !== this.#bytes.length) throw new Error('trailing data');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new Error('truncated buffer');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  boolean(): boolean {
    return this.take(1)[0] === 1;
  }

  float(): number {
    return this.take(4).readFloatLE(0);
  }

  double(): number {
    return this.take(8).readDoubleLE(0);
  }

  /** A long that a double holds exactly. */
  long(): number {
    const short = this.#shortZigzag();
    if (short !== null) return short;
    const value = this.#zigzag();
    if (value > longMax || value < -longMax) throw new UnsafeNumber('a long beyond 2^53');
    return Number(value);
  }

  index(): number {
    return this.#shortZigzag() ?? Number(this.#zigzag());
  }

  bytes(): Buffer {
    return this.take(this.#shortZigzag() ?? Number(this.#zigzag()));
  }

  /** The number of items in the next block of an array or a map, 0 at the end. */
  blockLength(): number {
    const items = Number(this.#zigzag());
    // A negative one is followed by the bytes of the block, for those who skip it.
    if (items < 0) this.#zigzag();
    const count = Math.abs(items);
    if (count > freeValuesMax + this.#bytes.length) throw new Error('truncated buffer');
    return count;
  }

  /** Most numbers have a byte or two, which need no bigint. Null, and nothing is read, when it is longer. */
  #shortZigzag(): number | null {
    const first = this.#bytes[this.#at];
    if (first === undefined) return null;
    if (first < 0x80) {
      this.#at += 1;
      return (first >> 1) ^ -(first & 1);
    }
    const second = this.#bytes[this.#at + 1];
    if (second === undefined || second >= 0x80) return null;
    this.#at += 2;
    const value = (first & 0x7f) | (second << 7);
    return (value >> 1) ^ -(value & 1);
  }

  #zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = this.take(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new Error('a number of more than ten bytes');
  }
}
