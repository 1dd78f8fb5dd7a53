/**
 * Definitions that a command is given together, by files and folders. Those that are children of others among them are known to these: what
 * goes into a child and comes out of it is checked and typed without a server.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { childrenNamedIn } from '../core/definition/requirements.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { own } from '../core/record.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { readJsonFile } from './session.ts';

export type DefinitionFile = { readonly file: string; readonly document: Json };

/** Files as they are given; of a folder those in it that hold a definition: an object with "id" and "nodes". */
export function readDefinitionFiles(paths: readonly string[]): readonly DefinitionFile[] {
  const files = paths.flatMap((path): readonly DefinitionFile[] => {
    if (path === '-' || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      return [{ file: path, document: readJsonFile(path) }];
    const found = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map(({ name }) => join(path, name))
      .sort()
      .map((file) => ({ file, document: readJsonFile(file) }))
      .filter(({ document }) => isDefinition(document));
    if (found.length === 0)
      throw new CommandFailure(exitCodes.usage, `There is no definition in ${path}: a JSON file with "id" and "nodes".`);
    return found;
  });
  const seen = new Map<string, string>();
  for (const { file, document } of files) {
    const id = idOf(document);
    const other = id === null ? undefined : seen.get(id);
    if (other !== undefined)
      throw new CommandFailure(exitCodes.usage, `The definition ${id} is given twice, in ${other} and ${file}: leave one out.`);
    if (id !== null) seen.set(id, file);
  }
  return files;
}

/** Children before those that run them; otherwise in the order in which they are given. */
export function childrenFirst(files: readonly DefinitionFile[]): readonly DefinitionFile[] {
  const byId = new Map(files.flatMap((file) => (idOf(file.document) === null ? [] : [[idOf(file.document), file] as const])));
  const ordered = new Set<DefinitionFile>();
  const begun = new Set<DefinitionFile>();
  const add = (file: DefinitionFile): void => {
    // Of those that run each other none can be first: the server says so.
    if (begun.has(file)) return;
    begun.add(file);
    for (const { id } of childrenNamedIn(file.document)) {
      const child = byId.get(id);
      if (child !== undefined) add(child);
    }
    ordered.add(file);
  };
  for (const file of files) add(file);
  return [...ordered];
}

function isDefinition(document: Json): boolean {
  return idOf(document) !== null && isJsonObject(document) && isJsonObject(own(document, 'nodes'));
}

function idOf(document: Json): string | null {
  const id = isJsonObject(document) ? own(document, 'id') : undefined;
  return typeof id === 'string' ? id : null;
}
