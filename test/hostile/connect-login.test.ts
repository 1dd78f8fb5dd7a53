/**
 * Connect's REST on the real stack: nobody gets an answer without its login, and a connector's config gets no more of
 * Connect's environment and files than the connector needs.
 */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectSecretVariables, host, roles } from '../../stack/settings.ts';
import { connectLogin, fetchConnect } from '../support/connect-rest.ts';
import { stackEnv } from '../support/env.ts';

const connector = 'io.debezium.connector.postgresql.PostgresConnector';

/** @returns the status. */
async function statusOf(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const body = method === 'POST' || method === 'PUT' ? '{}' : '';
    const call = request(
      `${stackEnv().KAFKA_CONNECT_URL}${path}`,
      { method, agent: false, headers: { 'content-type': 'application/json', ...headers } },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode));
      },
    );
    call.once('error', reject);
    call.end(body);
  });
}

describe("Connect's REST", () => {
  const routes = [
    ['GET', '/'],
    ['GET', '/health'],
    ['GET', '/connectors'],
    ['GET', '/connectors?expand=info'],
    ['POST', '/connectors'],
    ['PUT', '/connectors/x/config'],
    ['DELETE', '/connectors/x'],
    ['GET', '/connector-plugins'],
    ['PUT', `/connector-plugins/${connector}/config/validate`],
    ['GET', '/admin/loggers'],
    ['PUT', '/admin/loggers/root'],
  ] as const;

  test.each(routes)('answers nobody without its login: %s %s', async (method, path) => {
    const basic = (login: string): Record<string, string> => ({ authorization: `Basic ${btoa(login)}` });
    const { KAFKA_CONNECT_PASSWORD: password = '' } = stackEnv();
    const refused = [{}, basic('millrace:wrong'), basic(`admin:${password}`), basic('millrace:'), { authorization: `Bearer ${password}` }];
    for (const headers of refused) expect(await statusOf(method, path, headers)).toBe(401);
    expect(await statusOf(method, path, { origin: 'http://attacker.example:8083' })).toBe(401);
  });

  test('takes no task of another worker that is not signed', async () => {
    for (const [method, path] of [
      ['POST', '/connectors/x/tasks'],
      ['PUT', '/connectors/x/fence'],
    ] as const)
      expect(await statusOf(method, path, {})).toBeGreaterThanOrEqual(400);
  });

  test('answers who has it', async () => {
    expect(await statusOf('GET', '/connectors', connectLogin())).toBe(200);
  });
});

/** A server that Connect takes for a Postgres. @returns what Connect says to it as the user of a connector. */
async function userSentBy(user: string): Promise<string> {
  let heard = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  try {
    await fetchConnect(`/connector-plugins/${connector}/config/validate`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ name: 'thief', 'connector.class': connector, 'topic.prefix': 'thief', 'plugin.name': 'pgoutput' },
        ...{ 'database.hostname': host, 'database.port': String((server.address() as AddressInfo).port), 'database.sslmode': 'disable' },
        ...{ 'database.user': user, 'database.password': 'x', 'database.dbname': 'x' },
      }),
    });
  } finally {
    server.close();
  }
  return /\0user\0([^\0]*)\0/.exec(heard.toString('latin1'))?.[1] ?? '';
}

describe('The config of a connector', () => {
  test('gets the five variables of the replication login', async () => {
    expect(await userSentBy(`\${env:${connectSecretVariables.user}}`)).toBe(roles.connect);
  });

  test.each(['PATH', 'HOME', 'JAVA_HOME'])('gets no other variable: %s', async (name) => {
    expect(await userSentBy(`\${env:${name}}`)).not.toContain('/');
  });

  test.each(['login/login.properties', 'worker.properties', '../secrets.json'])('gets no file out of its folder: %s', async (name) => {
    const { MILLRACE_HOME = '', KAFKA_CONNECT_PASSWORD = '' } = stackEnv();
    const sent = await userSentBy(`\${file:${join(MILLRACE_HOME, 'connect', name)}:millrace}`);
    expect(KAFKA_CONNECT_PASSWORD).not.toBe('');
    expect(sent).not.toContain(KAFKA_CONNECT_PASSWORD);
  });
});
