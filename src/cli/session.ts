/** What user commands share: the client from the environment, and how arguments become values. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { type Client, createClient } from '../client/index.ts';
import { parseDuration } from '../core/duration.ts';
import type { Json } from '../core/json.ts';
import { parseJsonStrict } from '../core/strict-json.ts';
import { commandEnvironment, homeOf } from './environment.ts';
import { CommandFailure, exitCodes } from './exit.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';
/** As the server allows by default. */
export const WAIT_MS_DEFAULT = 30_000;

export function openClient(): Client {
  const env = commandEnvironment();
  const url = textOf(env.MILLRACE_URL) ?? DEFAULT_URL;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new CommandFailure(exitCodes.usage, `MILLRACE_URL is "${url}": give an address such as ${DEFAULT_URL}.`);
  const apiKey = textOf(env.MILLRACE_API_KEY) ?? storedKey(env);
  return createClient({ url, ...(apiKey === undefined ? {} : { apiKey }) });
}

/** The key that `npm start` made. Without any the server is asked nevertheless, and answers that it needs one. */
function storedKey(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const file = join(homeOf(env), 'api-key');
  try {
    return textOf(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return undefined;
    throw new CommandFailure(exitCodes.usage, `The API key in ${file} cannot be read.`, { cause: error });
  }
}

function textOf(value: string | undefined): string | undefined {
  const text = value?.trim() ?? '';
  return text === '' ? undefined : text;
}

/** JSON, `@file`, or `@-` for standard input. */
export function readJsonArgument(text: string): Json {
  return text.startsWith('@') ? readJsonFile(text.slice(1)) : parseJson(text, 'The argument');
}

/** @param file `-` is standard input. */
export function readJsonFile(file: string): Json {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new CommandFailure(exitCodes.usage, `${file} cannot be read: ${error instanceof Error ? error.message : 'unreadable'}`, {
      cause: error,
    });
  }
  const what = file === '-' ? 'Standard input' : file;
  if (!isUtf8(bytes))
    throw new CommandFailure(exitCodes.usage, `${what} cannot be used as JSON: it is ${encodingOf(bytes)}. Save it as UTF-8.`);
  return parseJson(bytes.toString('utf8'), what);
}

/** What some shells write into files without being asked. */
function encodingOf(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  return mark === 'fffe' || mark === 'feff' ? 'in UTF-16' : 'not in UTF-8';
}

function parseJson(text: string, what: string): Json {
  const parsed = parseJsonStrict(text);
  if (parsed.ok) return parsed.value;
  const at = parsed.reason === 'syntax' ? '' : ` (at ${parsed.pointer || '/'})`;
  throw new CommandFailure(exitCodes.usage, `${what} cannot be used as JSON: ${parsed.message}${at}`);
}

/** For options such as `--wait 10s`. */
export function parseWait(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration such as 10s.');
  return ms;
}

export function parseCount(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('Expected an integer of at least 1.');
  return Number(text);
}

/** `--wait` alone waits for the default time. */
export function waitMsOf(wait: number | true | undefined): number | undefined {
  return wait === true ? WAIT_MS_DEFAULT : wait;
}
