/**
 * Compression codecs for the records that kafkajs still reads itself: formats before Kafka 0.11, which brokers before Kafka 4 may
 * hold. None has to be compiled on the machine: snappy is JavaScript, LZ4 comes prebuilt, the others are Node's.
 */
import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrame } from 'lz4-napi';
import snappy from 'snappyjs';
import { type Compression, decompress } from './decompress.ts';

type Encoder = { readonly buffer: Buffer };

/** Exported for tests, which compress batches as other producers do. */
export const compress: { readonly [Name in Compression]: (bytes: Buffer) => Promise<Buffer> } = {
  gzip: promisify<Buffer, Buffer>(gzip),
  snappy: async (bytes) => snappy.compress(bytes),
  lz4: async (bytes) => await compressFrame(bytes),
  zstd: promisify<Buffer, Buffer>(zstdCompress),
};

/** Registers all codecs with kafkajs, whose table is global. Safe to repeat. @param bytesMax what a compressed message may become */
export function registerCodecs(bytesMax: number): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  const codecOf = (name: Compression) => ({
    compress: async ({ buffer }: Encoder) => await compress[name](buffer),
    decompress: async (buffer: Buffer) => await decompress(name, buffer, bytesMax),
  });
  CompressionCodecs[CompressionTypes.GZIP] = () => codecOf('gzip');
  CompressionCodecs[CompressionTypes.Snappy] = () => codecOf('snappy');
  CompressionCodecs[CompressionTypes.LZ4] = () => codecOf('lz4');
  CompressionCodecs[CompressionTypes.ZSTD] = () => codecOf('zstd');
}
