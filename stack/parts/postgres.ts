/** Postgres: a cluster of this home's own, made once by initdb and stack/postgres/init.sql, reachable over TCP only. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { checkout } from '../home.ts';
import { host, initdbArguments, initPasswordSettings, postgresConfig, roles, versions } from '../settings.ts';
import { waitReady } from '../wait.ts';
import { basicEnvironment, type Part, type PartContext, partUmask, readyTimeoutMs, stopOrder } from './part.ts';

const run = promisify(execFile);

export const postgres: Part = {
  name: 'postgres',
  title: `Postgres ${versions.postgres}`,
  // Sessions of a server that was killed need a moment to notice, and hold its memory until then.
  passing: /pre-existing shared memory block .* is still in use/,
  async prepare(context) {
    const { home, ports, postgres: install } = context;
    // Only the marker says that roles and databases are there; a cluster without it was interrupted and is made anew.
    if (!existsSync(markerOf(context))) await makeCluster(context);
    const settings = { ...postgresConfig, listen_addresses: host, port: String(ports.postgres), unix_socket_directories: '' };
    return {
      name: 'Postgres',
      command: install.postgres,
      args: ['-D', dataDirOf(context), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      env: basicEnvironment(),
      cwd: install.dataParent,
      logFile: join(home.logs, 'postgres.log'),
      // Fast shutdown: sessions are ended, nothing is lost.
      stopSignal: 'SIGINT',
      stopGraceMs: 15_000,
      order: stopOrder.postgres,
      umask: partUmask,
      ...(install.owner === undefined ? {} : { owner: install.owner }),
    };
  },
  async ready(context, child) {
    await waitReady(child, () => withSuperuser(context, async () => undefined), readyTimeoutMs);
    if (existsSync(markerOf(context))) return;
    await withSuperuser(context, runInit);
    writeFileSync(markerOf(context), '');
  },
};

function dataDirOf({ postgres: install }: PartContext): string {
  return join(install.dataParent, 'data');
}

function markerOf({ postgres: install }: PartContext): string {
  return join(install.dataParent, 'initialized');
}

async function makeCluster(context: PartContext): Promise<void> {
  const { postgres: install, secrets } = context;
  rmSync(dataDirOf(context), { recursive: true, force: true });
  const passwordFile = join(install.dataParent, 'superuser-password');
  writeFileSync(passwordFile, secrets.superuser, { mode: 0o600 });
  if (install.owner !== undefined) await chown(passwordFile, install.owner.uid, install.owner.gid);
  try {
    await run(
      install.initdb,
      ['-D', dataDirOf(context), `--username=${roles.superuser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', ...initdbArguments],
      { env: basicEnvironment(), cwd: install.dataParent, ...install.owner },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function withSuperuser(context: PartContext, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const { ports, secrets } = context;
  const client = new pg.Client({
    host,
    port: ports.postgres,
    user: roles.superuser,
    password: secrets.superuser,
    database: 'postgres',
    connectionTimeoutMillis: 5_000,
    options: `-c ${initPasswordSettings.engine}=${secrets.engine} -c ${initPasswordSettings.connect}=${secrets.connect}`,
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function runInit(client: pg.Client): Promise<void> {
  const script = readFileSync(join(checkout, 'stack', 'postgres', 'init.sql'), 'utf8');
  for (const statement of script.split(/^-- ---$/m)) await client.query(statement);
}
