/** The other versions of a definition that scenarios move instances to, each a file of its own. */
import { shown } from '../core/definition/errors.ts';
import type { Definition } from '../core/definition/types.ts';
import { err, ok, type Result } from '../core/result.ts';
import { definitionFileDefault, type FileError, type ScenarioFile } from './format.ts';

/** By the path that the scenario file gives. */
export type VersionsByPath = ReadonlyMap<string, Definition>;

/** @param path as the scenario file gives it. @param version the number that it gets. */
export type LoadVersion = (path: string, version: number) => Result<Definition, readonly FileError[]>;

const noFiles: LoadVersion = () => err([{ pointer: '', message: 'There are no other versions here.' }]);

/** Each file is one version, whose number says where it is first named. Its errors stand at the step that names it. */
export function readVersions(
  { scenarios, definition: given }: ScenarioFile,
  definition: Definition,
  load: LoadVersion = noFiles,
): Result<VersionsByPath, readonly FileError[]> {
  // An instance may move back to the version on which it started.
  const own = given ?? definitionFileDefault;
  const versions = new Map<string, Definition>();
  const failed = new Set<string>();
  const errors: FileError[] = [];
  for (const [index, { steps = [] }] of scenarios.entries()) {
    for (const [place, { migrate }] of steps.entries()) {
      if (migrate === undefined || versions.has(migrate.to) || failed.has(migrate.to)) continue;
      const { to } = migrate;
      const pointer = `/scenarios/${index}/steps/${place}/migrate/to`;
      const read = to === own ? ok(definition) : load(to, definition.version + versions.size + 1);
      const wrong = read.ok ? otherId(read.value, definition) : read.error;
      errors.push(...wrong.map(({ pointer: at, message }) => ({ pointer, message: `${to}: ${at === '' ? '' : `${at}: `}${message}` })));
      if (wrong.length > 0) failed.add(to);
      else if (read.ok) versions.set(to, read.value);
    }
  }
  return errors.length > 0 ? err(errors) : ok(versions);
}

function otherId(target: Definition, { id }: Definition): readonly FileError[] {
  if (target.id === id) return [];
  const message = `An instance of ${shown(id)} moves to versions of ${shown(id)} only, and this is a definition ${shown(target.id)}.`;
  return [{ pointer: '/id', message }];
}
