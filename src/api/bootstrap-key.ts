/**
 * The bootstrap key: the first admin key, with which all others are created. It comes from MILLRACE_API_KEY, else from the
 * file `api-key` in MILLRACE_HOME, else it is generated and kept in that file, which only its owner can read. Never logs a
 * key. Several processes may start at the same time: the file appears with its whole content, and all get the same row. The key of workers
 * is installed in the same way where MILLRACE_WORKER_API_KEY gives one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../core/error.ts';
import type { Logger } from '../service/logging.ts';
import type { ApiKey, ApiKeyRole, DefinitionStore } from '../store/definition-store.ts';

export type BootstrapKeyOptions = {
  readonly definitions: Pick<DefinitionStore, 'createApiKey' | 'reinstateApiKey' | 'findApiKey' | 'listApiKeys' | 'revokeApiKey'>;
  /** MILLRACE_API_KEY. */
  readonly given: string | null;
  /** Folder of the file. */
  readonly home: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
};

/** Ids of bootstrap keys begin with these; the rest comes from the key's hash, so that two processes with the same key make one row. */
const GIVEN = 'bootstrap-given-';
const MADE = 'bootstrap-made-';
const WORKER = 'worker-given-';

export async function installBootstrapKey({ definitions, given, home, log }: BootstrapKeyOptions): Promise<void> {
  if (given !== null) {
    await installGiven(definitions, keyOf(GIVEN, given, 'admin'), { kinds: [GIVEN, MADE], variable: 'MILLRACE_API_KEY', log });
    return;
  }
  const file = join(home, 'api-key');
  const kept = await readKey(file);
  if (kept !== null) {
    const { key, hash } = keyOf(MADE, kept, 'admin');
    await definitions.createApiKey(key, hash);
    // A revoked key stays revoked: a restart does not reinstate it.
    if ((await definitions.findApiKey(hash)) === null) log.warn({ file }, 'The API key in this file was revoked');
    return;
  }
  if ((await definitions.listApiKeys()).some(({ role }) => role === 'admin')) {
    log.info({ file }, 'There is already an admin key, which is not kept in this file');
    return;
  }
  const { key, hash } = keyOf(MADE, await makeKey(file), 'admin');
  await definitions.createApiKey(key, hash);
  log.info({ file }, 'The bootstrap key was generated and is in this file');
}

/** @param given MILLRACE_WORKER_API_KEY; null: keys of workers are made by `millrace keys create`. */
export async function installWorkerKey({ definitions, given, log }: Omit<BootstrapKeyOptions, 'home'>): Promise<void> {
  if (given === null) return;
  await installGiven(definitions, keyOf(WORKER, given, 'worker'), { kinds: [WORKER], variable: 'MILLRACE_WORKER_API_KEY', log });
}

type NewKey = { readonly key: ApiKey; readonly hash: Buffer };
type Installing = { readonly kinds: readonly string[]; readonly variable: string; readonly log: BootstrapKeyOptions['log'] };

/** A key is changed for a reason, so the previous one is revoked. */
async function installGiven(definitions: BootstrapKeyOptions['definitions'], { key, hash }: NewKey, { kinds, variable, log }: Installing) {
  await definitions.createApiKey(key, hash);
  await definitions.reinstateApiKey(hash);
  const present = await definitions.findApiKey(hash);
  if (present !== null && present.role !== key.role)
    log.warn({ keyId: present.keyId }, `${variable} is a key of the role ${present.role} already`);
  for (const { keyId } of await definitions.listApiKeys()) {
    if (keyId === present?.keyId || !kinds.some((kind) => keyId.startsWith(kind))) continue;
    await definitions.revokeApiKey(keyId);
    log.warn({ keyId }, `${variable} has changed, so the previous key is revoked`);
  }
}

/** Ids come from the secret, so that two processes with the same key make one row. */
function keyOf(kind: string, secret: string, role: ApiKeyRole): NewKey {
  const hash = createHash('sha256').update(secret).digest();
  return { hash, key: { keyId: kind + hash.toString('hex', 0, 8), subject: role, role, taskRoles: [], createdAt: Date.now() } };
}

async function readKey(file: string): Promise<string | null> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new MillraceError('MR_API_KEY_FILE', `The API key in ${file} cannot be read.`, { retryable: false, cause: error });
  }
  if (/^[!-~]{16,512}$/.test(text)) return text;
  throw new MillraceError('MR_API_KEY_FILE', `${file} holds no API key. Remove the file to generate a new key.`, { retryable: false });
}

/** Makes the file. If another process was first, returns the key of that process. */
async function makeKey(file: string): Promise<string> {
  const secret = `mr_${randomBytes(32).toString('base64url')}`;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(draft, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    try {
      // A hard link appears with its whole content, and never replaces an existing file.
      await link(draft, file);
      return secret;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    } finally {
      await rm(draft, { force: true });
    }
  } catch (error) {
    throw new MillraceError('MR_API_KEY_FILE', `The bootstrap key cannot be kept in ${file}.`, { retryable: false, cause: error });
  }
  const theirs = await readKey(file);
  if (theirs !== null) return theirs;
  throw new MillraceError('MR_API_KEY_FILE', `${file} was removed while it was read.`, { retryable: true });
}
