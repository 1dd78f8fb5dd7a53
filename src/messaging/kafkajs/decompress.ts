/**
 * Decompresses batches, for every compression that producers use, within a limit: a batch that would become too large is
 * recognised by its framing before it is decompressed, or while it is.
 */
import { promisify } from 'node:util';
import { unzip, zstdDecompress } from 'node:zlib';
import { decompressFrame } from 'lz4-napi';
import snappy from 'snappyjs';

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = Exclude<(typeof compressions)[number], 'none'>;

/** The decompressed bytes would exceed the limit. */
export class TooLarge extends Error {}

const unzipped = promisify(unzip);
const unzstd = promisify(zstdDecompress);

/** Rejects with `TooLarge`, or with another error when the bytes are broken. */
export async function decompress(compression: Compression, bytes: Buffer, bytesMax: number): Promise<Buffer> {
  switch (compression) {
    case 'gzip':
      return await stopping(unzipped(bytes, { maxOutputLength: bytesMax }));
    case 'zstd':
      return await stopping(unzstd(bytes, { maxOutputLength: bytesMax }));
    case 'snappy':
      return unsnap(bytes, bytesMax);
    case 'lz4':
      return await decompressFrame(boundedLz4Frame(bytes, bytesMax));
  }
}

async function stopping(output: Promise<Buffer>): Promise<Buffer> {
  try {
    return await output;
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge();
    throw error;
  }
}

/** Header of Java's producers before their chunks of snappy; others send one chunk without it. */
const xerialMagic = Buffer.from([130, 83, 78, 65, 80, 80, 89, 0]);
const xerialHeadBytes = 16;

function unsnap(bytes: Buffer, bytesMax: number): Buffer {
  const chunks = bytes.subarray(0, xerialMagic.length).equals(xerialMagic) ? xerialChunks(bytes) : [bytes];
  const total = chunks.reduce((sum, chunk) => sum + snappyLength(chunk), 0);
  if (total > bytesMax) throw new TooLarge();
  return Buffer.concat(chunks.map((chunk) => snappy.uncompress(chunk)));
}

function xerialChunks(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = xerialHeadBytes; at < bytes.length; ) {
    const begin = at + 4;
    const end = begin + bytes.readInt32BE(at);
    if (end <= begin || end > bytes.length) throw new Error('a chunk of snappy that is cut');
    chunks.push(bytes.subarray(begin, end));
    at = end;
  }
  return chunks;
}

/** Each chunk begins with its length as a varint. */
function snappyLength(chunk: Buffer): number {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = chunk[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length;
  }
  throw new Error('snappy without a length');
}

const lz4Magic = 0x184d2204;
/** Indexed by the block size in the frame's header. */
const lz4BlockBytes = [0, 0, 0, 0, 65_536, 262_144, 1_048_576, 4_194_304];
/** The largest compression ratio of LZ4. */
const lz4RatioMax = 255;

/**
 * The first frame of the bytes, whose blocks cannot become more than `bytesMax`: a block has a largest size, and LZ4 a largest
 * ratio. Counts every block at its largest size, so frames near the limit are refused too.
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
function boundedLz4Frame(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.readUInt32LE(0) !== lz4Magic) throw new Error('no frame of LZ4');
  const flags = bytes.readUInt8(4);
  const blockBytesMax = lz4BlockBytes[(bytes.readUInt8(5) >> 4) & 7] ?? 0;
  const contentSizeBytes = flags & 0x08 ? 8 : 0;
  const dictionaryBytes = flags & 0x01 ? 4 : 0;
  const blockChecksumBytes = flags & 0x10 ? 4 : 0;
  const contentChecksumBytes = flags & 0x04 ? 4 : 0;
  let total = 0;
  let at = 7 + contentSizeBytes + dictionaryBytes;
  for (;;) {
    const head = bytes.readUInt32LE(at);
    at += 4;
    if (head === 0) return bytes.subarray(0, at + contentChecksumBytes);
    const size = head & 0x7fffffff;
    total += head >= 0x80000000 ? size : Math.min(blockBytesMax, size * lz4RatioMax);
    if (total > bytesMax) throw new TooLarge();
    at += size + blockChecksumBytes;
  }
}
