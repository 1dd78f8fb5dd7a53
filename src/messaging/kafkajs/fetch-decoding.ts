/**
 * Gives kafkajs 2.2.4 our reading of fetched batches in the place of its own. Its protocol modules are loaded when a request of their
 * version is first made, and take the reading from this one module. The bound is one for the process, as the modules are.
 */
import { createRequire } from 'node:module';
import { areRecordBatches, type FetchedMessage, readRecordBatches, type Spent } from './record-batch.ts';

/** What we use of kafkajs' decoder: one reads a whole response, partition after partition. */
type Decoder = { readInt32(): number; canReadBytes(length: number): boolean; readBytes(length: number): Buffer; offset: number };
type DecodeMessages = (decoder: Decoder) => Promise<readonly unknown[]>;

const marker = Symbol.for('millrace.fetchDecodingMended');
type Mended = { bytesMax: number };

const lengthBytes = 4;

/** @param bytesMax what the batches of a response may become; the largest of all calls counts. */
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
