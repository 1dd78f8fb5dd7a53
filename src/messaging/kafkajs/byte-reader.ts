/** Reads the numbers and byte strings of Kafka's records, and never past their end. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get at(): number {
    return this.#at;
  }

  byte(): number {
    const value = this.#buffer[this.#at++];
    if (value === undefined) throw new RangeError('the bytes are at their end');
    return value;
  }

  /** Zigzag, of up to ten bytes; exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new RangeError('a number of more than ten bytes');
  }

  /** A length, then as many bytes; null where the length is -1. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length === -1) return null;
    const end = this.#at + length;
    if (length < 0 || end > this.#buffer.length) throw new RangeError('the bytes are at their end');
    const value = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return value;
  }
}
