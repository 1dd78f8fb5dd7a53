/**
 * Builds what `npm pack` puts into the package: JavaScript of src/ and connect/ in dist/, the migrations and other files
 * that the code reads, the type declarations of what users import, and a bill of materials (CycloneDX) of what the lockfile
 * installs beside it. Run by npm as `prepack`; a checkout never needs it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const tsc = join(root, 'node_modules', '.bin', 'tsc');

/** Sources, tests and documents; everything else beside the sources is read at run time. */
const left = /\.(ts|mjs|md)$|^testing$/;

rmSync(dist, { recursive: true, force: true });
for (const project of ['tsconfig.json', 'tsconfig.types.json']) compile(join(import.meta.dirname, project));
for (const folder of ['src', 'connect']) {
  mkdirSync(join(dist, folder), { recursive: true });
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: (path) => !left.test(basename(path)) });
}
writeFileSync(join(dist, 'sbom.cdx.json'), billOfMaterials());

function billOfMaterials(): string {
  const arguments_ = ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx', '--sbom-type=library'];
  const bill = execFileSync('npm', arguments_, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  const { metadata, ...rest } = JSON.parse(bill) as { readonly metadata: { readonly component: object } };
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly name: string };
  // npm takes the name of the folder.
  return JSON.stringify({ ...rest, metadata: { ...metadata, component: { ...metadata.component, name } } });
}

function compile(project: string): void {
  execFileSync(tsc, ['-p', project], { cwd: root, stdio: ['ignore', process.stderr, 'inherit'], shell: process.platform === 'win32' });
}
