/** What the lockfile installs beside the package, as CycloneDX. Needs npm and no network. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export type Component = {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
};

export type Bill = {
  readonly metadata: { readonly component: Pick<Component, 'bom-ref' | 'name'> };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
};

/** `npm sbom --omit=dev` leaves out what development needs too, so what only development needs is taken out here. */
export function billOfMaterials(): Bill {
  const text = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=library'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
    shell: process.platform === 'win32',
  });
  const bill = JSON.parse(text) as Bill;
  const running = refsToRun();
  const development = new Set(bill.components.flatMap((each) => (running.has(each['bom-ref']) ? [] : [each['bom-ref']])));
  const isLeft = (ref: string): boolean => !development.has(ref);
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly name: string };
  return {
    ...bill,
    // npm takes the name of the folder.
    metadata: { ...bill.metadata, component: { ...bill.metadata.component, name } },
    components: bill.components.filter((component) => isLeft(component['bom-ref'])),
    // Scanners refuse a bill that names what it does not have.
    dependencies: bill.dependencies.flatMap(({ ref, dependsOn }) => (isLeft(ref) ? [{ ref, dependsOn: dependsOn.filter(isLeft) }] : [])),
  };
}

/** By the lockfile: what stands in two places, in one of them for development alone, npm marks as that. */
function refsToRun(): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  const refs = new Set<string>();
  for (const [path, { version, dev }] of Object.entries(packages)) {
    if (dev !== true) refs.add(`${path.slice(path.lastIndexOf(FOLDER) + FOLDER.length)}@${version}`);
  }
  return refs;
}

const FOLDER = 'node_modules/';

type Lockfile = { readonly packages: Readonly<Record<string, { readonly version: string; readonly dev?: true }>> };
