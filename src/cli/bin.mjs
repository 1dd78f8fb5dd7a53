#!/usr/bin/env node
/**
 * Starts the command line: in a checkout from its TypeScript sources, in an installed package from what was built for it.
 * Says in one line what is missing when the Node is too old or the packages of a checkout are not installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const needed = [22, 18];
const root = fileURLToPath(new URL('../..', import.meta.url));
const source = fileURLToPath(new URL('./main.ts', import.meta.url));
const isCheckout = existsSync(source);

if (isNewEnough(process.versions.node)) await run();
else runBundled();

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}

async function run() {
  // Each command would compile all that it loads, which takes longer than most commands do.
  nodeModule.enableCompileCache?.();
  try {
    if (isCheckout) await import('./main.ts');
    else await import('../../dist/src/cli/main.js');
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !/^Cannot find package/.test(error.message)) throw error;
    const remedy = isCheckout ? `Run "npm install" in ${root}` : 'Install millrace again';
    fail(`millrace: ${error.message.split('\n')[0].replace(/ imported from .*/, '')}, which it needs. ${remedy}.`);
  }
}

/** The packages of a checkout contain a Node 24. */
function runBundled() {
  const bundled = `${root}node_modules/node/bin/node`;
  if (isCheckout && existsSync(bundled)) {
    const { status, signal } = spawnSync(bundled, [source, ...process.argv.slice(2)], { stdio: 'inherit' });
    process.exitCode = signal === null ? (status ?? 1) : 1;
    return;
  }
  const remedy = isCheckout ? `Install a newer Node, or run "npm install" in ${root}, which brings one.` : 'Install a newer Node.';
  fail(`millrace needs Node ${needed.join('.')} or later; this is ${process.versions.node}. ${remedy}`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
