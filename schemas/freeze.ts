/**
 * Keeps each version of each record that lands: `npm run schemas:freeze` copies what differs from the newest frozen
 * version to `frozen/<record>/<n>.avsc`. Frozen files never change; compatibility.test.ts reads all with all.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AvroRecord, readSchemas, schemasDir } from './generate.ts';

export const frozenDir = join(schemasDir, 'frozen');

export type FrozenVersion = { readonly record: string; readonly version: number; readonly schema: AvroRecord };

/** Every version that ever landed, oldest first. */
export function readFrozen(folder = frozenDir): FrozenVersion[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((record) =>
      readdirSync(join(folder, record))
        .map((name) => Number(/^([1-9]\d*)\.avsc$/.exec(name)?.[1] ?? Number.NaN))
        .sort((a, b) => a - b)
        .map((version) => ({
          record,
          version,
          schema: JSON.parse(readFileSync(join(folder, record, `${version}.avsc`), 'utf8')) as AvroRecord,
        })),
    );
}

/** The current schemas that no frozen version is equal to. */
export function unfrozen(schemas: readonly AvroRecord[], frozen: readonly FrozenVersion[]): AvroRecord[] {
  return schemas.filter((schema) => {
    const newest = frozen.findLast(({ record }) => record === schema.name);
    return newest === undefined || JSON.stringify(newest.schema) !== JSON.stringify(schema);
  });
}

if (import.meta.main) {
  const frozen = readFrozen();
  for (const schema of unfrozen(readSchemas(), frozen)) {
    const version = frozen.filter(({ record }) => record === schema.name).length + 1;
    mkdirSync(join(frozenDir, schema.name), { recursive: true });
    writeFileSync(join(frozenDir, schema.name, `${version}.avsc`), `${JSON.stringify(schema, null, 2)}\n`);
    process.stdout.write(`froze ${schema.name} as version ${version}\n`);
  }
}
