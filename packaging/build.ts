/**
 * Builds what `npm pack` puts into the package: JavaScript of src/ and connect/ in dist/, the migrations and other files
 * that the code reads, the type declarations of what users import, and a bill of materials (CycloneDX) of what the lockfile
 * installs beside it. Run by npm as `prepack`; a checkout never needs it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { billOfMaterials } from './bill-of-materials.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Sources, tests and documents; everything else beside the sources is read at run time. */
const left = /\.(ts|mjs|md)$|^testing$/;

rmSync(dist, { recursive: true, force: true });
for (const project of ['tsconfig.json', 'tsconfig.types.json']) compile(join(import.meta.dirname, project));
for (const folder of ['src', 'connect']) {
  mkdirSync(join(dist, folder), { recursive: true });
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: (path) => !left.test(basename(path)) });
}
writeFileSync(join(dist, 'sbom.cdx.json'), JSON.stringify(billOfMaterials()));

function compile(project: string): void {
  run('tsc', ['-p', project]);
}

function run(command: string, arguments_: readonly string[]): void {
  const path = join(root, 'node_modules', '.bin', command);
  execFileSync(path, arguments_, { cwd: root, stdio: ['ignore', process.stderr, 'inherit'], shell: process.platform === 'win32' });
}
