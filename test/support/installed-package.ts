/**
 * The package as a user has it: packed by npm, installed into an empty project by npm, used from there. Its dependencies
 * have the versions of our lockfile, so that npm finds them in its cache after the `npm ci` of the checkout.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkout } from '../../stack/home.ts';

type Said = { readonly stdout: string; readonly stderr: string };
type Locked = { readonly dev?: boolean; readonly version?: string };
type Manifest = { readonly version: string; readonly dependencies: Readonly<Record<string, string>>; readonly bin: object };

const run = promisify(execFile);

export type UserProject = {
  readonly folder: string;
  /** Every file of the package. */
  readonly packed: readonly string[];
  write(file: string, text: string): void;
  /** Rejects when the command fails. */
  run(command: string, ...args: readonly string[]): Promise<Said>;
  /** Runs `npx <args>`, as a user does, with these variables. */
  npx(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Said>;
  readonly environment: Readonly<Record<string, string>>;
  remove(): void;
};

export async function installPackage(): Promise<UserProject> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-package-')));
  const folder = join(root, 'app');
  mkdirSync(folder);
  const environment = cleanEnvironment();
  const { stdout } = await run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', root], {
    cwd: checkout,
    env: environment,
  });
  const { filename, files } = packedOf(stdout);
  writeLock(folder, join(root, filename));
  await run('npm', ['ci', '--prefer-offline', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env: environment,
  });
  const runHere = (command: string, args: readonly string[], env: Readonly<Record<string, string>>) =>
    run(command, args, { cwd: folder, env });
  return {
    folder,
    packed: files,
    environment,
    write: (file, text) => writeFileSync(join(folder, file), text),
    run: (command, ...args) => runHere(command, args, environment),
    npx: (args, env = {}) => runHere('npx', ['--no-install', ...args], { ...environment, ...env }),
    remove: () => rmSync(root, { recursive: true }),
  };
}

/** npm's own variables would tell the npm of the project that it runs in the checkout; so would our commands on the PATH. */
function cleanEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(npm_|MILLRACE_)|_URL$/i.test(entry[0]),
  );
  return { ...Object.fromEntries(own), PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` };
}

function packedOf(json: string): { readonly filename: string; readonly files: readonly string[] } {
  const parsed = JSON.parse(json) as unknown;
  const [first] = (Array.isArray(parsed) ? parsed : Object.values(parsed as object)) as {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (first === undefined) throw new Error(`npm pack said ${json}`);
  return { filename: basename(first.filename), files: first.files.map(({ path }) => path) };
}

function writeLock(folder: string, tarball: string): void {
  const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as Manifest;
  const lock = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const project = { name: 'app', private: true, type: 'module', dependencies: { millrace: `file:${tarball}` } };
  const kept = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const { version, dependencies, bin } = manifest;
  const packages = {
    '': project,
    'node_modules/millrace': { version, resolved: `file:${tarball}`, dependencies, bin },
    ...Object.fromEntries(kept),
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...project, lockfileVersion: 3, requires: true, packages }));
}
