/** The files of the repository that people write, for tests about the repository itself. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkout } from '../../stack/home.ts';

export type SourceFile = { readonly path: string; readonly text: string };

/** Folders that are installed, made or kept by a run. */
const foreign = /^(node_modules|coverage|dist|\..*|generated)$/;

/** @param patterns globs from the root of the checkout; what is installed or generated is left out. */
export function readFiles(...patterns: readonly string[]): SourceFile[] {
  const found = globSync(patterns, { cwd: checkout, exclude: (path) => foreign.test(basename(path)) });
  return found.sort().map((path) => ({ path, text: readFileSync(join(checkout, path), 'utf8') }));
}
