/** A payload that is too large for a record, which names it by its length and its hash instead. */
import { sha256Hex } from './hash.ts';
import { someMark } from './json-marks.ts';

const encoder = new TextEncoder();

export type PayloadReference = {
  /** Length of its JSON in UTF-8 bytes. */
  readonly bytes: number;
  /** Of these bytes: 64 hexadecimal digits in lower case. */
  readonly sha256: string;
};

/**
 * The largest payload that is named by a reference, in bytes: reading so much JSON strictly takes up to a quarter of a second, in which a process
 * does nothing else.
 */
export const referencedBytesMax = 4 * 1_048_576;

/**
 * The most values in such a payload: so many items, or a quarter as many members, as one evaluation can go through. They are read, and decided
 * on, within a quarter of a second each.
 */
export const referencedValuesMax = 100_000;
/** Of a member, beside the item that it is: it has a name. */
const MEMBER_WEIGHT = 3;

/** @param text JSON. @returns whether it holds more values than that: arrays, objects, and what stands in them. */
export function holdsTooManyValues(text: string): boolean {
  let values = 1;
  return someMark(text, (code) => {
    if (code === 0x2c || code === 0x5b || code === 0x7b) values++;
    else if (code === 0x3a) values += MEMBER_WEIGHT;
    return values > referencedValuesMax;
  });
}

/** @param text JSON. */
export function referenceTo(text: string): PayloadReference {
  return { bytes: encoder.encode(text).length, sha256: sha256Hex(text) };
}

/** @param aboveBytes 0: never. What is larger than a reference may name is left to the limits of messages. */
export function needsReference(text: string, aboveBytes: number): boolean {
  // No character takes more than three bytes.
  if (aboveBytes === 0 || text.length * 3 <= aboveBytes) return false;
  if (text.length > referencedBytesMax) return false;
  const { length } = encoder.encode(text);
  return length > aboveBytes && length <= referencedBytesMax;
}

/** Whether the text is what the reference names. */
export function isNamedBy(text: string, { bytes, sha256 }: PayloadReference): boolean {
  const found = referenceTo(text);
  return found.bytes === bytes && found.sha256 === sha256;
}

/** What another process says is one. */
export function isReference({ bytes, sha256 }: PayloadReference): boolean {
  return bytes > 0 && bytes <= referencedBytesMax && /^[0-9a-f]{64}$/.test(sha256);
}
