/**
 * Where one stack keeps its things (`MILLRACE_HOME`): paths, the generated secrets, and the state file that says what
 * runs. A home never holds more than one stack.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('..', import.meta.url));

export interface Home {
  readonly dir: string;
  readonly kafkaDir: string;
  readonly connectDir: string;
  readonly registryDir: string;
  readonly postgresDir: string;
  readonly logs: string;
  readonly stateFile: string;
  /** Where the parts are and how to log in: what `millrace` reads to find a running stack. */
  readonly environmentFile: string;
  readonly secretsFile: string;
}

/** The home at `dir`, by default `MILLRACE_HOME` or `.millrace` of the checkout. Makes the folder. */
export function openHome(dir = process.env.MILLRACE_HOME ?? join(checkout, '.millrace')): Home {
  const home = resolve(dir);
  closeHome(home);
  return {
    dir: home,
    kafkaDir: join(home, 'kafka'),
    connectDir: join(home, 'connect'),
    registryDir: join(home, 'registry'),
    postgresDir: join(home, 'postgres'),
    logs: join(home, 'logs'),
    stateFile: join(home, 'stack.json'),
    environmentFile: join(home, 'environment.json'),
    secretsFile: join(home, 'secrets.json'),
  };
}

/**
 * Makes the folder, readable by its owner only. One that was there is closed too if it is empty or a home already; any other
 * folder keeps its mode, since it holds things of others, and only what we put into it is closed.
 */
function closeHome(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const isOurs = readdirSync(home).length === 0 || existsSync(join(home, 'secrets.json'));
  if (isOurs && (statSync(home).mode & 0o077) !== 0) chmodSync(home, 0o700);
}

/** A folder of a home: made if it is not there, and readable by its owner only even if it was. */
export function openFolder(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  return dir;
}

/** Downloads are shared by all homes: `MILLRACE_CACHE`, else the user's cache folder. */
export function cacheDir(): string {
  return resolve(process.env.MILLRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace'));
}

export interface Secrets {
  readonly superuser: string;
  readonly engine: string;
  readonly connect: string;
  /** Of Connect's REST. */
  readonly connectRest: string;
  /** Not secret, but kept with the secrets: the id that Kafka's data folder is formatted with. */
  readonly kafkaClusterId: string;
}

/** The passwords of this home, made on first use and readable by their owner only. */
export function readSecrets(home: Home): Secrets {
  const known = existsSync(home.secretsFile) ? (JSON.parse(readFileSync(home.secretsFile, 'utf8')) as Partial<Secrets>) : {};
  const secrets: Secrets = {
    superuser: newPassword(),
    engine: newPassword(),
    connect: newPassword(),
    connectRest: newPassword(),
    kafkaClusterId: newClusterId(),
    ...known,
  };
  // A home of an older version lacks some.
  if (Object.keys(known).length === Object.keys(secrets).length) return secrets;
  writeAtomically(home.secretsFile, secrets);
  return secrets;
}

function newPassword(): string {
  return randomBytes(16).toString('hex');
}

/** Kafka's form of a UUID: 16 bytes in URL-safe base64, not beginning with a dash, which its tool would take for an option. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}

/** Writes JSON so that a reader sees the old file or the whole new one; mode 0600. */
export function writeAtomically(file: string, value: unknown): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

/** A short name for a folder, to tell homes and checkouts apart elsewhere. */
export function hashOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12);
}
