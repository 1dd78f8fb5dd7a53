/** The version of this package, in a checkout and installed: a package can name itself. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function packageVersion(): string {
  const path = fileURLToPath(import.meta.resolve('millrace/package.json'));
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string };
  return version;
}
