/** Reads a response within its limit and makes the node's output of it: `{ status, headers, body }`, body parsed when JSON. */
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { err, ok, type Result } from '../../core/result.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';

export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type ResponseFault = { readonly code: 'RESPONSE_TOO_LARGE' | 'OUTPUT_INVALID'; readonly message: string };

const decompressors = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/** The body's bytes, decompressed. A stream that breaks off rejects. */
export async function readBody(body: Readable, headers: HttpHeaders, limitBytes: number): Promise<Result<Buffer, ResponseFault>> {
  const tooLarge = err({ code: 'RESPONSE_TOO_LARGE', message: `The response has more than ${limitBytes} bytes.` } as const);
  if (Number(headerOf(headers, 'content-length') ?? 0) > limitBytes) {
    discard(body);
    return tooLarge;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > limitBytes) return tooLarge;
    chunks.push(chunk);
  }
  return await decompress(Buffer.concat(chunks, size), headers, limitBytes, tooLarge);
}

/** Lets go of a body that nobody reads. */
export function discard(body: Readable): void {
  // It may already be broken, which no longer matters to anybody.
  body.on('error', () => undefined);
  body.destroy();
}

async function decompress(
  bytes: Buffer,
  headers: HttpHeaders,
  limitBytes: number,
  tooLarge: Result<never, ResponseFault>,
): Promise<Result<Buffer, ResponseFault>> {
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '' || bytes.length === 0) return ok(bytes);
  if (!(encoding in decompressors)) return err({ code: 'OUTPUT_INVALID', message: 'The response has an encoding that cannot be read.' });
  try {
    return ok(await decompressors[encoding as keyof typeof decompressors](bytes, { maxOutputLength: limitBytes }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ERR_BUFFER_TOO_LARGE') return tooLarge;
    return err({ code: 'OUTPUT_INVALID', message: `The response says ${encoding}, but is not.` });
  }
}

const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json\b/i;

/** JSON text of the node's output. */
export function renderOutput(status: number, headers: HttpHeaders, bytes: Buffer): Result<string, ResponseFault> {
  const type = headerOf(headers, 'content-type') ?? '';
  const text = decodeText(bytes, type);
  // Cookies are secrets between the two servers, and outputs are stored and shown.
  const shown = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name === 'set-cookie' ? [] : [[name, typeof value === 'string' ? value : value.join(', ')]],
  );
  const head = `{"status":${status},"headers":${JSON.stringify(Object.fromEntries(shown))},"body":`;
  if (text === '') return ok(`${head}null}`);
  if (!JSON_TYPE.test(type)) return ok(`${head}${JSON.stringify(text)}}`);
  // Nobody here can change what that server writes, so the last of equal keys counts, as for any client. The body is
  // rendered again, so that every later reader sees the same value.
  const parsed = parseJsonStrict(text, { duplicateKeys: 'last' });
  if (parsed.ok) return ok(`${head}${JSON.stringify(parsed.value)}}`);
  if (parsed.reason === 'syntax') return ok(`${head}${JSON.stringify(text)}}`);
  return err({ code: 'OUTPUT_INVALID', message: `/body${parsed.pointer}: ${parsed.message}` });
}

function decodeText(bytes: Buffer, contentType: string): string {
  const charset = /charset="?([A-Za-z0-9_.:-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError) return bytes.toString('utf8');
    throw error;
  }
}

export function headerOf(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** Retry-After in ms from now: seconds or an HTTP date. null when it is missing or neither. */
export function parseRetryAfter(headers: HttpHeaders, nowMs: number): number | null {
  const value = headerOf(headers, 'retry-after')?.trim();
  if (value === undefined || value === '') return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
