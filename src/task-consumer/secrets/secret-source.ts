/**
 * Where a worker finds secrets: files of a folder, as Kubernetes mounts them, then variables of its environment. Files are read
 * for each attempt, so that a rotated secret needs no restart. Values are not cached.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSecretName } from '../../core/secrets.ts';

export type SecretSource = {
  /** null: this worker has no secret of that name. */
  find(name: string): Promise<string | null>;
};

export const secretVariablePrefix = 'MILLRACE_SECRET_';

/** @param folder whose files are named like the secrets; null for none. */
export function createSecretSource(environment: Readonly<Record<string, string | undefined>>, folder: string | null): SecretSource {
  return {
    async find(name) {
      // A name that is not valid could lead out of the folder.
      if (!isSecretName(name)) return null;
      const value = (folder === null ? null : await readSecretFile(join(folder, name))) ?? environment[secretVariablePrefix + name] ?? '';
      return value === '' ? null : value;
    },
  };
}

/** Without the line break that editors put at the end. */
async function readSecretFile(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}
