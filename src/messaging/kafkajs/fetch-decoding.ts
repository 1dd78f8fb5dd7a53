/**
 * Replaces how kafkajs 2.2.4 decodes fetched batches. Its protocol modules are loaded at the first request of their version, and
 * import the decoder from one module, which is replaced here. The bound is global, like the modules.
 */
import { createRequire } from 'node:module';
import { areRecordBatches, type FetchedMessage, readRecordBatches, type Spent } from './record-batch.ts';

/** The used part of kafkajs' decoder, which reads a whole response, partition after partition. */
type Decoder = { readInt32(): number; canReadBytes(length: number): boolean; readBytes(length: number): Buffer; offset: number };
type DecodeMessages = (decoder: Decoder) => Promise<readonly unknown[]>;

const marker = Symbol.for('millrace.fetchDecodingMended');
type Mended = { bytesMax: number };

const lengthBytes = 4;

/** @param bytesMax largest decompressed size of the batches of a response; the largest of all calls counts. */
export function mendFetchDecoding(bytesMax: number): void {
  const load = createRequire(import.meta.url);
  const path = load.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages');
  const original = load(path) as DecodeMessages & { readonly [marker]?: Mended };
  const mended = original[marker];
  if (mended !== undefined) {
    mended.bytesMax = Math.max(mended.bytesMax, bytesMax);
    return;
  }
  const module = load.cache[path];
  if (module === undefined) throw new Error('Bug: this kafkajs reads fetched batches elsewhere; see kafkajs/fetch-decoding.ts');
  const settings: Mended = { bytesMax };
  const spent = new WeakMap<Decoder, Spent>();
  const ours = async (decoder: Decoder): Promise<readonly (FetchedMessage | unknown)[]> => {
    const size = decoder.readInt32();
    if (size <= 0 || !decoder.canReadBytes(size)) return [];
    const bytes = decoder.readBytes(size);
    if (!areRecordBatches(bytes)) {
      decoder.offset -= size + lengthBytes;
      return await original(decoder);
    }
    const ofResponse = spent.get(decoder) ?? { bytes: 0, records: 0 };
    spent.set(decoder, ofResponse);
    return await readRecordBatches(bytes, settings.bytesMax, ofResponse);
  };
  module.exports = Object.assign(ours, { [marker]: settings });
}
