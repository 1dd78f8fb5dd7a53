/**
 * A Postgres as users have them, beside the stack's: made as the stack makes its own, but whoever is not the superuser
 * gets in by TLS only. Its certificate names `localhost` and nothing else.
 */
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, openHome, readSecrets } from '../../stack/home.ts';
import { environmentOf } from '../../stack/index.ts';
import { installJars } from '../../stack/install/jars.ts';
import { installPostgres } from '../../stack/install/postgres.ts';
import { postgres } from '../../stack/parts/postgres.ts';
import { findFreePort, findFreePorts } from '../../stack/ports.ts';
import { deleteData } from '../../stack/reset.ts';
import { roles } from '../../stack/settings.ts';
import { type Certificate, issueCertificate } from './certificates.ts';
import { startExtraServer } from './extra-server.ts';

export type SecurePostgres = {
  /** Of the stack's environment for an engine, what is about databases; at `localhost`, without `sslmode`. */
  readonly env: Readonly<Record<'DEFINITION_DATABASE_URL' | 'INSTANCE_DATABASE_URL' | 'REPLICATION_DATABASE_URL', string>>;
  stop(): Promise<void>;
};

export async function startSecurePostgres(authority: Certificate): Promise<SecurePostgres> {
  const home = openHome(join(checkout, '.millrace-test', `secure-postgres-${process.pid}`));
  const ports = await findFreePorts();
  const install = installPostgres(home, () => undefined);
  const context = {
    ...{ home, ports, controllerPort: await findFreePort(), prefix: 'secure', secrets: readSecrets(home) },
    ...{ jars: await installJars(() => undefined), postgres: install },
  };
  const write = (name: string, text: string): string => {
    const file = join(install.dataParent, name);
    writeFileSync(file, text, { mode: 0o600 });
    if (install.owner !== undefined) chownSync(file, install.owner.uid, install.owner.gid);
    return file;
  };
  const { cert, key } = await issueCertificate(authority, 'postgres', { dns: 'localhost' });
  const settings = {
    ssl: 'on',
    ssl_cert_file: write('server.pem', cert),
    ssl_key_file: write('server-key.pem', key),
    hba_file: write('hba.conf', `host all ${roles.superuser} all scram-sha-256\nhostssl all all all scram-sha-256\n`),
    shared_buffers: '16MB',
  };
  const spec = await postgres.prepare(context);
  const args = [...spec.args, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const stop = await startExtraServer({ ...spec, args }, (child) => postgres.ready(context, child));
  const env = environmentOf(home, ports, 'secure');
  const urlOf = (name: string): string => (env[name] ?? '').replace('@127.0.0.1:', '@localhost:');
  return {
    env: {
      DEFINITION_DATABASE_URL: urlOf('DEFINITION_DATABASE_URL'),
      INSTANCE_DATABASE_URL: urlOf('INSTANCE_DATABASE_URL'),
      REPLICATION_DATABASE_URL: urlOf('REPLICATION_DATABASE_URL'),
    },
    stop: async () => {
      await stop();
      deleteData(home);
      rmSync(home.dir, { recursive: true, force: true });
    },
  };
}
