/**
 * The first thing `npm start`, `npm test` and `npm run stack:…` run, on whatever Node the system has (20 or later) and
 * before anything is installed: plain JavaScript without dependencies. It checks what the machine must have,
 * installs the npm packages when they are missing or older than the lockfile, and hands over to Node 24 of
 * node_modules. Usage: node stack/bootstrap.mjs start | test | stack <up|down|reset|status> [arguments]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const bin = join(checkout, 'node_modules', '.bin');
const entries = { start: 'stack/start.ts', test: 'test/run.ts', stack: 'stack/cli.ts' };

const [command = 'start', ...args] = process.argv.slice(2);
const entry = entries[command];
if (entry === undefined) fail(`Unknown command "${command}". There are: ${Object.keys(entries).join(', ')}.`);
checkMachine();
installPackages();
handOver(join(checkout, entry), args);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function checkMachine() {
  if (process.platform === 'win32') fail('The embedded stack runs on Linux and macOS. On Windows use WSL, or docker compose.');
  const missing = [];
  if (Number(process.versions.node.split('.')[0]) < 20)
    missing.push(`Node 20 or later is needed; this is ${process.versions.node}. See https://nodejs.org`);
  // `java -version` writes `openjdk version "17.0.15"` to stderr, and `"1.8.0_412"` before Java 9.
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const javaVersion = /version "(?:1\.)?(\d+)/.exec(`${java.stderr ?? ''}${java.stdout ?? ''}`)?.[1];
  if (java.error !== undefined || javaVersion === undefined)
    missing.push('Java 17 or later is needed; there is no java on the PATH. On Debian: apt install openjdk-17-jdk-headless');
  else if (Number(javaVersion) < 17) missing.push(`Java 17 or later is needed; java on the PATH is ${javaVersion}.`);
  const javac = spawnSync('javac', ['-version'], { encoding: 'utf8' });
  const javacVersion = /javac (?:1\.)?(\d+)/.exec(`${javac.stdout ?? ''}${javac.stderr ?? ''}`)?.[1];
  if (javac.error !== undefined || javacVersion === undefined)
    missing.push(
      'A JDK is needed, a Java runtime alone is not enough; there is no javac on the PATH. On Debian: apt install openjdk-17-jdk-headless',
    );
  else if (Number(javacVersion) < 17) missing.push(`Java 17 or later is needed; javac on the PATH is ${javacVersion}.`);
  if (spawnSync('mvn', ['--version'], { stdio: 'ignore' }).error !== undefined)
    missing.push('Maven is needed; there is no mvn on the PATH. On Debian: apt install maven');
  if (missing.length > 0) fail(missing.join('\n'));
}

/** True when node_modules holds every package of the lockfile in its version. npm writes the inner lockfile last. */
function isInstalled() {
  const inner = join(checkout, 'node_modules', '.package-lock.json');
  if (!existsSync(inner) || !existsSync(join(bin, 'node'))) return false;
  const wanted = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(inner, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
    if (path === '' || link === true) return true;
    return present[path] === undefined ? optional === true || devOptional === true : present[path].version === version;
  });
}

function installPackages() {
  if (isInstalled()) return;
  const began = Date.now();
  process.stdout.write('Installing the npm packages of package-lock.json (npm ci); on a first run this takes a minute or two …\n');
  // npm must not run on the Node that it is about to replace, so node_modules/.bin leaves the PATH.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')) && !folder.includes(`node-gyp-bin${sep}`));
  const env = { ...process.env, PATH: path.join(delimiter) };
  const done = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: checkout,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) fail(`npm ci failed (${done.error?.message ?? `exit code ${done.status}`}).`);
  if (!isInstalled())
    fail('npm ci ended well, but node_modules still does not match package-lock.json. Do they belong together (npm install)?');
  process.stdout.write(`The npm packages are installed (${((Date.now() - began) / 1000).toFixed(0)} s).\n`);
}

function handOver(file, rest) {
  // Descriptor 3 is a pipe to which nothing is written. When it closes, the other side knows that this process is gone.
  const child = spawn(join(bin, 'node'), ['--disable-warning=ExperimentalWarning', file, ...rest], {
    cwd: checkout,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, MILLRACE_PARENT_PIPE: '3' },
  });
  // A terminal's Ctrl-C reaches the child by itself; this process only has to outlive it. The others are passed on.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // npm killed: this process would be left running with nobody to stop it.
  const parent = process.ppid;
  const watch =
    process.env.npm_lifecycle_event === undefined ? undefined : setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 1_000);
  child.once('error', (error) => fail(`Node 24 of node_modules could not be started: ${error.message}`));
  child.once('exit', (code, signal) => {
    clearInterval(watch);
    process.exit(code ?? (signal === null ? 1 : 128 + 15));
  });
}
