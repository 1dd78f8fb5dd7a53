#!/usr/bin/env node
/** Starts the command line under a Node that runs TypeScript directly, or says which Node that would be. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const needed = [22, 18];

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}

if (isNewEnough(process.versions.node)) {
  await import('./main.ts');
} else {
  // A checkout brings its own Node 24.
  const bundled = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));
  if (existsSync(bundled)) {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const { status, signal } = spawnSync(bundled, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
    process.exitCode = signal === null ? (status ?? 1) : 1;
  } else {
    process.stderr.write(
      `millrace needs Node ${needed.join('.')} or later; this is ${process.versions.node}. Install a newer Node, or run "npm install" in the checkout, which brings one.\n`,
    );
    process.exitCode = 1;
  }
}
