/**
 * Connect's REST on the real stack is answered by the names of this machine only, with the right login too: a page that comes
 * by a name of its own (DNS rebinding) sends that name as its `Host`.
 */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { checkout } from '../../stack/home.ts';
import { installJars } from '../../stack/install/jars.ts';
import { connectLogin } from '../support/connect-rest.ts';
import { stackEnv } from '../support/env.ts';

/** Sends exactly these lines, which a client of http would put right. @returns the whole answer. */
async function send(...lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(stackEnv().KAFKA_CONNECT_URL ?? '');
  const socket = connect(Number(port), hostname);
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  return await text(socket);
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.\d (\d+)/.exec(answer)?.[1]);
const login = (): string => `Authorization: ${connectLogin().authorization}`;

describe('With the right login', () => {
  const foreign = [
    ...['attacker.example', 'attacker.example:8083', 'attacker.example:80', '10.0.0.1:8083', '128.0.0.1', '0.0.0.0', '[::2]:8083'],
    ...['127.0.0.1.attacker.example', 'localhost.attacker.example:8083', 'xlocalhost', '127.0.0.1x', '127.0.0.256', '127.1.attacker'],
    ...['millrace', 'kafka', '[::ffff:10.0.0.1]:8083'],
  ];

  test.each(foreign)('a foreign host is refused: %s', async (host) => {
    const answer = await send('GET /connectors HTTP/1.1', `Host: ${host}`, login());
    expect([answer, statusOf(answer)]).toEqual([expect.stringContaining('does not answer to the Host'), 403]);
  });

  test.each([
    ...['GET /', 'GET /health', 'GET /connectors?expand=info', 'POST /connectors', 'DELETE /connectors/x', 'PUT /admin/loggers/root'],
    ...['GET /no/such/path', 'OPTIONS /connectors', 'HEAD /connectors', 'POST /connectors/x/tasks', 'PUT /connectors/x/fence'],
    ...['PUT /connector-plugins/io.debezium.connector.postgresql.PostgresConnector/config/validate', 'GET //connectors'],
  ])('on every path, known or not: %s', async (request) => {
    const answer = await send(`${request} HTTP/1.1`, 'Host: attacker.example:8083', login(), 'Content-Length: 0');
    expect([400, 403]).toContain(statusOf(answer));
  });

  test.each([
    ['no host', 'GET /connectors HTTP/1.0', []],
    ['no host in HTTP/1.1', 'GET /connectors HTTP/1.1', []],
    ['an empty host', 'GET /connectors HTTP/1.1', ['Host:']],
    ['an empty host in HTTP/1.0', 'GET /connectors HTTP/1.0', ['Host:']],
    ['two hosts', 'GET /connectors HTTP/1.1', ['Host: 127.0.0.1', 'Host: attacker.example']],
    ['two hosts, the good one last', 'GET /connectors HTTP/1.1', ['Host: attacker.example', 'Host: 127.0.0.1']],
    ['two hosts in HTTP/1.0', 'GET /connectors HTTP/1.0', ['Host: 127.0.0.1', 'Host: attacker.example']],
    ['a user before the host', 'GET /connectors HTTP/1.1', ['Host: 127.0.0.1@attacker.example']],
    ['two names in one', 'GET /connectors HTTP/1.1', ['Host: 127.0.0.1, attacker.example']],
    ['a foreign url', 'GET http://attacker.example/connectors HTTP/1.1', ['Host: attacker.example']],
    ['a foreign url with a good host', 'GET http://attacker.example/connectors HTTP/1.1', ['Host: 127.0.0.1']],
    ['a foreign url without a host', 'GET http://attacker.example/connectors HTTP/1.0', []],
    ['a foreign host behind a proxy', 'GET /connectors HTTP/1.1', ['Host: attacker.example', 'X-Forwarded-Host: 127.0.0.1']],
  ] as const)('%s is refused', async (_, request, headers) => {
    expect([400, 403]).toContain(statusOf(await send(request, ...headers, login())));
  });

  test.each([...['127.0.0.1', '127.0.0.1:8083', '127.8.9.10:1', 'localhost', 'localhost:18083', 'LocalHost:8083', '[::1]', '[::1]:8083']])(
    'this machine is answered by every name and port of its loopback: %s',
    async (host) => {
      expect(statusOf(await send('GET /connectors HTTP/1.1', `Host: ${host}`, login()))).toBe(200);
      expect(statusOf(await send('GET /connectors HTTP/1.0', `Host: ${host}`, login()))).toBe(200);
    },
  );
});

test('A good host is no login', async () => {
  expect(statusOf(await send('GET /connectors HTTP/1.1', 'Host: 127.0.0.1:8083'))).toBe(401);
});

describe('The settings of a worker', () => {
  /** Those of some hosts that a worker with these settings lets pass. */
  async function allowed(settings: readonly string[], hosts: readonly string[]): Promise<string[]> {
    const { kafka, hostCheck } = await installJars(() => undefined);
    const classPath = [join(kafka, '*'), hostCheck].join(delimiter);
    const program = join(checkout, 'test', 'support', 'AskAllowedHosts.java');
    const { stdout } = await promisify(execFile)('java', ['-cp', classPath, program, ...settings, '--', ...hosts]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('name more hosts, beside the one by which workers call each other', async () => {
    const settings = ['rest.advertised.host.name=worker-1', 'millrace.rest.hosts=connect, Connect.internal.example,[fd00::1]'];
    const good = ['connect:8083', 'CONNECT', 'connect.internal.example:443', 'worker-1:8083', '[fd00::1]:8083', 'localhost:1'];
    const bad = ['internal.example', 'x.connect', 'connect.', 'connectXinternal.example', 'worker-2', '[fd00::2]', 'connect:8083:1', ''];
    expect(await allowed(settings, [...good, ...bad])).toEqual(good);
    expect(await allowed([], ['connect', 'worker-1', '127.0.0.1'])).toEqual(['127.0.0.1']);
  });

  test.each(['connect:8083', '*'])('refuse what is no name: %s', async (name) => {
    await expect(allowed([`millrace.rest.hosts=${name}`], ['localhost'])).rejects.toThrow(
      /Invalid value .* for configuration millrace\.rest\.hosts: Names or addresses without ports/,
    );
  });
});
