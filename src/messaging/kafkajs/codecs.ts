/**
 * The compressions that outside producers use, of which kafkajs reads gzip only. None needs a build on the machine:
 * snappy is JavaScript, LZ4 comes prebuilt, zstd is Node's own.
 */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import snappy from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';

type Encoder = { readonly buffer: Buffer };

/** Registers all codecs with kafkajs, whose table is global. Safe to repeat. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  const compressZstd = promisify<Buffer, Buffer>(zstdCompress);
  const decompressZstd = promisify<Buffer, Buffer>(zstdDecompress);
  CompressionCodecs[CompressionTypes.Snappy] = snappy;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async ({ buffer }: Encoder) => await compressFrame(buffer),
    decompress: async (buffer: Buffer) => await decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: Encoder) => await compressZstd(buffer),
    decompress: async (buffer: Buffer) => await decompressZstd(buffer),
  });
}
