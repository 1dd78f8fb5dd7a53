/**
 * Registry and Connect behind https with an authority of one's own and a login: the engine's commands as a user runs
 * them, against the stack's real services behind a proxy.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runEngineCommand } from '../../stack/engine.ts';
import { createAuthority } from '../support/certificates.ts';
import { connectLogin } from '../support/connect-rest.ts';
import { stackEnv } from '../support/env.ts';
import { type SecureProxy, startSecureProxy } from '../support/secure-proxy.ts';

const login = { username: 'engine', password: 'right-secret-of-services' };
const wrong = 'wrong-secret-of-services';

let registry: SecureProxy;
let connect: SecureProxy;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'secure-services-'));
  const authority = await createAuthority('Authority of the test');
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  const proxyOf = (target = '', behind = {}) => startSecureProxy({ target, authority, behind, ...login });
  [registry, connect] = await Promise.all([proxyOf(stackEnv().SCHEMA_REGISTRY_URL), proxyOf(stackEnv().KAFKA_CONNECT_URL, connectLogin())]);
});

afterAll(async () => {
  await Promise.all([registry?.close(), connect?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** What the command says, whether it ends well or not. */
async function millrace(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> {
  const command = { title: 'A command', args };
  const trust = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  return await runEngineCommand(command, { ...stackEnv(), ...trust, ...settings }, join(folder, 'commands.log')).catch(String);
}

describe('the registry', () => {
  const prefix = `secure-${randomUUID().slice(0, 8)}`;
  const settings = (password = login.password) => ({
    MILLRACE_TOPIC_PREFIX: prefix,
    SCHEMA_REGISTRY_URL: `${registry.url}${new URL(stackEnv().SCHEMA_REGISTRY_URL ?? '').pathname}`,
    SCHEMA_REGISTRY_USERNAME: login.username,
    SCHEMA_REGISTRY_PASSWORD: password,
  });
  const register = (password?: string, more = {}) => millrace(['schemas', 'register'], { ...settings(password), ...more });
  const subjects = async () => (await (await fetch(`${stackEnv().SCHEMA_REGISTRY_URL}/subjects`)).json()) as string[];

  test('refuses a wrong password, which is said without it', async () => {
    const said = await register(wrong);
    expect(said).toMatch(/The schema registry at https:\S+ answered POST \/subjects\/\S+ with status 401/);
    expect(said).not.toContain(wrong);
  });

  test('is not believed where its authority is not known, which is said', async () => {
    expect(await register(login.password, { NODE_EXTRA_CA_CERTS: '' })).toMatch(/does not answer: .*certificate/);
    expect((await subjects()).filter((subject) => subject.startsWith(prefix))).toEqual([]);
  });

  test('takes schemas with the right password from a file, and gives them back', async () => {
    writeFileSync(join(folder, 'password'), login.password);
    const file = { SCHEMA_REGISTRY_PASSWORD_FILE: join(folder, 'password') };
    expect(await register('', file)).toContain(`registered ${prefix}.events-millrace`);
    expect((await subjects()).filter((subject) => subject.startsWith(prefix))).not.toEqual([]);
    expect(await register()).toContain('All schemas are registered.');
  });
});

describe('Kafka Connect', () => {
  const apply = (password: string) =>
    millrace(['connector', 'apply'], {
      KAFKA_CONNECT_URL: connect.url,
      KAFKA_CONNECT_USERNAME: login.username,
      KAFKA_CONNECT_PASSWORD: password,
    });

  test('refuses a wrong password, which is said at once and without it', async () => {
    const said = await apply(wrong);
    expect(said).toMatch(/Kafka Connect at https:\S+ refused GET \/connectors\/\S+ with status 401: Unauthorized/);
    expect(said).not.toContain(wrong);
  });

  test('takes the connector with the right one', async () => {
    expect(await apply(login.password)).toContain('The connector is applied.');
  });
});
