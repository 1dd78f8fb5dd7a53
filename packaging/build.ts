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

/** Sources, tests and documents; everything else beside the sources is read at run time. */
const left = /\.(ts|mjs|md)$|^testing$/;

rmSync(dist, { recursive: true, force: true });
for (const project of ['tsconfig.json', 'tsconfig.types.json']) compile(join(import.meta.dirname, project));
for (const folder of ['src', 'connect']) {
  mkdirSync(join(dist, folder), { recursive: true });
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: (path) => !left.test(basename(path)) });
}
writeFileSync(join(dist, 'sbom.cdx.json'), billOfMaterials());

type Component = {
  readonly 'bom-ref': string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
};
type Bill = {
  readonly metadata: { readonly component: object };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string }[];
};

/** `npm sbom --omit=dev` leaves out what development needs too, so what only development needs is taken out here. */
function billOfMaterials(): string {
  const text = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=library'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
    shell: process.platform === 'win32',
  });
  const bill = JSON.parse(text) as Bill;
  const development = new Set(bill.components.filter(isForDevelopment).map((component) => component['bom-ref']));
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly name: string };
  return JSON.stringify({
    ...bill,
    // npm takes the name of the folder.
    metadata: { ...bill.metadata, component: { ...bill.metadata.component, name } },
    components: bill.components.filter((component) => !development.has(component['bom-ref'])),
    dependencies: bill.dependencies.filter(({ ref }) => !development.has(ref)),
  });
}

function isForDevelopment({ properties = [] }: Component): boolean {
  return properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
}

function compile(project: string): void {
  run('tsc', ['-p', project]);
}

function run(command: string, arguments_: readonly string[]): void {
  const path = join(root, 'node_modules', '.bin', command);
  execFileSync(path, arguments_, { cwd: root, stdio: ['ignore', process.stderr, 'inherit'], shell: process.platform === 'win32' });
}
