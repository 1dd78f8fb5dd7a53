/** Decompresses a body, within a limit. Supports what browsers do: gzip, deflate (with and without zlib's header), br, zstd. */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { err, ok, type Result } from '../../core/result.ts';

type Decompress = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const inflateZlib: Decompress = promisify(inflate);
const inflatePlain: Decompress = promisify(inflateRaw);

const decompressors: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', (bytes, options) => (hasZlibHead(bytes) ? inflateZlib(bytes, options) : inflatePlain(bytes, options))],
  ['br', promisify(brotliDecompress)],
  ['zstd', promisify(zstdDecompress)],
]);

/** More than servers use. Each encoding costs work, so the number is bounded. */
const ENCODINGS_MAX = 3;

export type EncodingFault = { readonly reason: 'unknown' | 'broken' | 'tooLarge'; readonly message: string };

/** @param encodings `Content-Encoding`: names in the order in which they were applied. */
export async function decompress(bytes: Buffer, encodings: string, limitBytes: number): Promise<Result<Buffer, EncodingFault>> {
  const names = encodings
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (bytes.length === 0) return ok(bytes);
  if (names.length > ENCODINGS_MAX || !names.every((name) => decompressors.has(name)))
    return err({ reason: 'unknown', message: 'The response has an encoding that cannot be read.' });
  let rest = bytes;
  for (const name of names.toReversed()) {
    try {
      rest = (await decompressors.get(name)?.(rest, { maxOutputLength: limitBytes })) ?? rest;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'ERR_BUFFER_TOO_LARGE') return err({ reason: 'tooLarge', message: `The response has more than ${limitBytes} bytes.` });
      return err({ reason: 'broken', message: `The response has the content encoding ${name}, but its body is not ${name}.` });
    }
  }
  return ok(rest);
}

/** RFC 1950: the method is 8, and the first two bytes are a multiple of 31. Servers that say deflate often send it without. */
function hasZlibHead(bytes: Buffer): boolean {
  return bytes.length >= 2 && (bytes.readUInt8(0) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}
