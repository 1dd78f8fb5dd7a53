/** A Postgres of one test file beside the stack's, made as the stack makes its own, with settings that the stack's cannot have. */
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, openHome, readSecrets } from '../../stack/home.ts';
import { environmentOf } from '../../stack/index.ts';
import { installJars } from '../../stack/install/jars.ts';
import { installPostgres } from '../../stack/install/postgres.ts';
import { postgres } from '../../stack/parts/postgres.ts';
import { findFreePort, findFreePorts } from '../../stack/ports.ts';
import { deleteData } from '../../stack/reset.ts';
import { startExtraServer } from './extra-server.ts';

export type ExtraPostgres = {
  /** As the stack's environment for an engine; only what is about databases leads anywhere. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** Writes a file that the server can read, and nobody else. @returns its path. */
export type WriteFile = (name: string, text: string) => string;

/** @param name of its folder: nobody else's. */
export async function startExtraPostgres(
  name: string,
  settingsWith: (write: WriteFile) => Readonly<Record<string, string>>,
): Promise<ExtraPostgres> {
  const home = openHome(join(checkout, '.millrace-test', `${name}-${process.pid}`));
  const ports = await findFreePorts();
  const install = installPostgres(home, () => undefined);
  const context = {
    ...{ home, ports, controllerPort: await findFreePort(), prefix: name, secrets: readSecrets(home) },
    ...{ jars: await installJars(() => undefined), postgres: install },
  };
  const write: WriteFile = (file, text) => {
    const path = join(install.dataParent, file);
    writeFileSync(path, text, { mode: 0o600 });
    if (install.owner !== undefined) chownSync(path, install.owner.uid, install.owner.gid);
    return path;
  };
  const settings = { shared_buffers: '16MB', ...settingsWith(write) };
  const spec = await postgres.prepare(context);
  const args = [...spec.args, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
  const stop = await startExtraServer({ ...spec, args }, (child) => postgres.ready(context, child));
  return {
    env: environmentOf(home, ports, name),
    stop: async () => {
      await stop();
      deleteData(home);
      rmSync(home.dir, { recursive: true, force: true });
    },
  };
}
