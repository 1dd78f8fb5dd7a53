/** `sslmode` of the databases' URLs, from the environment to a statement, on a Postgres that takes no unencrypted login. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/service/config.ts';
import { translating } from '../../src/store/postgres/connection/errors.ts';
import { createPool } from '../../src/store/postgres/connection/pools.ts';
import { migrate } from '../../src/store/postgres/install/migrate.ts';
import { createAuthority } from '../support/certificates.ts';
import { stackEnv } from '../support/env.ts';
import { type SecurePostgres, startSecurePostgres } from '../support/secure-postgres.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let server: SecurePostgres;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'secure-postgres-'));
  const authority = await createAuthority('Authority of the test');
  writeFileSync(join(folder, 'right.pem'), authority.cert);
  writeFileSync(join(folder, 'wrong.pem'), (await createAuthority('Authority of somebody else')).cert);
  server = await startSecurePostgres(authority);
}, 180_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** @param root `right` or `wrong`: which authority's certificate is given as `sslrootcert`. */
function databases(mode: string | null, root: string | null = null, host = 'localhost') {
  const urls = Object.entries(server.env).map(([name, text]) => {
    const url = new URL(text);
    url.hostname = host;
    if (mode !== null) url.searchParams.set('sslmode', mode);
    if (root !== null) url.searchParams.set('sslrootcert', join(folder, `${root}.pem`));
    return [name, url.href] as const;
  });
  return loadConfig({ ...Object.fromEntries(urls), MILLRACE_TOPIC_PREFIX: 'secure' }, ['databases', 'topics']);
}

type Databases = ReturnType<typeof databases>;

/** Whether the connection is encrypted, as the server reports it. */
async function isEncrypted({ databases: { instances } }: Databases): Promise<boolean | undefined> {
  return await translating(async () => {
    const pool = createPool(instances);
    try {
      return (await pool.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).rows[0]?.ssl;
    } finally {
      await pool.end();
    }
  });
}

describe('a connection', () => {
  test.each([
    ['prefer', null],
    ['prefer', 'wrong'],
    ['no-verify', null],
    ['no-verify', 'wrong'],
    ['require', null],
    ['require', 'right'],
    ['verify-ca', 'right'],
    ['verify-full', 'right'],
  ])('is encrypted with sslmode=%s (authority: %s)', async (mode, root) => {
    expect(await isEncrypted(databases(mode, root))).toBe(true);
  });

  test.each(['require', 'verify-ca'])('may go to another name than the one in the certificate with sslmode=%s', async (mode) => {
    expect(await isEncrypted(databases(mode, 'right', '127.0.0.1'))).toBe(true);
  });

  test.each([
    ['disable', null, 'localhost', /no encryption/],
    [null, null, 'localhost', /no encryption/],
    ['require', 'wrong', 'localhost', /certificate/],
    ['verify-ca', 'wrong', 'localhost', /certificate/],
    ['verify-full', 'wrong', 'localhost', /certificate/],
    ['verify-full', null, 'localhost', /certificate/],
    ['verify-full', 'right', '127.0.0.1', /IP: 127\.0\.0\.1 is not in the cert/],
  ])('is not made with sslmode=%s (authority: %s, host: %s), and it is said why', async (mode, root, host, reason) => {
    const config = databases(mode, root, host);
    const error: unknown = await isEncrypted(config).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'MR_DATABASE',
      retryable: false,
      message: expect.stringMatching(/^There is no connection to the database: /),
    });
    expect(String(error)).toMatch(reason);
    expect(inspect(error, { depth: 10 })).not.toContain(new URL(config.databases.instances).password);
  });

  test.each(['prefer', 'require', 'no-verify'])('is not made without TLS where the server has none (sslmode=%s)', async (mode) => {
    const url = `${stackEnv().INSTANCE_DATABASE_URL}?sslmode=${mode}`;
    await expect(isEncrypted(loadConfig({ ...server.env, INSTANCE_DATABASE_URL: url }, ['databases', 'topics']))).rejects.toMatchObject({
      code: 'MR_DATABASE',
      message: expect.stringMatching(/does not support SSL/),
    });
  });
});

describe('`millrace migrate`', () => {
  test('makes both databases and the slot over verified connections', async () => {
    await expect(migrate(databases('verify-full', 'right'), quiet)).resolves.toBeUndefined();
  });

  test('says which address has the certificate that it does not trust', async () => {
    const error: unknown = await migrate(databases('verify-full', 'wrong'), quiet).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: expect.stringMatching(/DEFINITION_DATABASE_URL: .*certificate/) });
  });
});
