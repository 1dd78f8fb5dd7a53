import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { connectRegistry, type Registry } from './registry.ts';

type Answer = { readonly status: number; readonly body: string };

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A registry that gives these answers, the last one again and again; `asked` holds the requests. */
async function answering(...answers: readonly Answer[]): Promise<{ readonly registry: Registry; readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const made = createServer((request, response) => {
    const answer = answers[Math.min(asked.push(request), answers.length) - 1];
    if (answer === undefined) return;
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(made.address() as AddressInfo).port}/`;
  return { registry: connectRegistry({ url, username: 'ada', password: 'lovelace', timeoutMs: 200 }), asked };
}

const json = (status: number, body: unknown): Answer => ({ status, body: JSON.stringify(body) });
const schema = '{"type":"string"}';

describe('the registry', () => {
  test('gives a schema by its id, asked with credentials', async () => {
    const { registry, asked } = await answering(json(200, { schema }));
    expect(await registry.schemaById(7)).toEqual({ kind: 'avro', text: schema });
    expect(asked[0]?.url).toBe('/schemas/ids/7');
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:lovelace').toString('base64')}`);
  });

  test('does not know an id only when it says so itself', async () => {
    const { registry } = await answering(json(404, { error_code: 40403, message: 'Schema not found' }));
    expect(await registry.schemaById(7)).toBeNull();
  });

  test.each([
    ['a 404 of something else', json(404, { message: 'no such page' })],
    ['a 404 that is no JSON', { status: 404, body: '<html>' }],
    ['refused credentials', json(401, { error_code: 40101, message: 'Unauthorized' })],
    ['its own trouble', json(500, { error_code: 50001, message: 'Error in the backend data store' })],
    ['a success that is no JSON', { status: 200, body: 'ok' }],
    ['a success without a schema', json(200, {})],
    ['a redirect', json(302, {})],
  ])('is away, which passes, on %s', async (_, answer) => {
    const { registry } = await answering(answer);
    await expect(registry.schemaById(7)).rejects.toMatchObject({ code: 'MR_REGISTRY_UNAVAILABLE', retryable: true });
  });

  test('is asked again before it counts as away, also when it is silent', async () => {
    const { registry, asked } = await answering(json(503, {}), json(200, { schema }));
    expect(await registry.schemaById(7)).toEqual({ kind: 'avro', text: schema });
    expect(asked).toHaveLength(2);
    const silent = await answering();
    await expect(silent.registry.schemaById(7)).rejects.toMatchObject({ retryable: true });
  });

  test.each([
    ['another kind', { schema: '{}', schemaType: 'PROTOBUF' }, 'is PROTOBUF, not Avro'],
    ['one that refers to nothing', { schema, references: [{ name: 'a' }] }, 'a schema without subject and version'],
    ['one that is too large', { schema: JSON.stringify('x'.repeat(300_000)) }, 'is larger than'],
  ])('may hold a schema that we do not use: %s', async (_, body, reason) => {
    const { registry } = await answering(json(200, body));
    expect(await registry.schemaById(7)).toMatchObject({ kind: 'unusable', reason: expect.stringContaining(reason) });
  });

  test('gives what a schema refers to with it, each after what it refers to itself, and once', async () => {
    const reference = (subject: string) => ({ name: subject, subject, version: 3 });
    const { registry, asked } = await answering(
      json(200, { schema, references: [reference('line'), reference('money')] }),
      json(200, { schema: '"line"', references: [reference('money')] }),
      json(200, { schema: '"money"' }),
    );
    expect(await registry.schemaById(7)).toEqual({ kind: 'avro', text: schema, references: ['"money"', '"line"'] });
    expect(asked.map(({ url }) => url)).toEqual(['/schemas/ids/7', '/subjects/line/versions/3', '/subjects/money/versions/3']);
  });

  test('may hold a schema that refers to one that is gone', async () => {
    const { registry } = await answering(
      json(200, { schema, references: [{ name: 'a', subject: 'a', version: 1 }] }),
      json(404, { error_code: 40401, message: 'no subject' }),
    );
    expect(await registry.schemaById(7)).toMatchObject({ kind: 'unusable', reason: expect.stringContaining('does not have') });
  });

  test('tells why it refuses a schema', async () => {
    const { registry } = await answering(json(409, { error_code: 409, message: 'READER_FIELD_MISSING_DEFAULT_VALUE' }));
    await expect(registry.register('s', schema)).rejects.toMatchObject({
      code: 'MR_SCHEMA_INCOMPATIBLE',
      retryable: false,
      message: expect.stringContaining('READER_FIELD_MISSING_DEFAULT_VALUE'),
    });
  });

  test('its password is in no error', async () => {
    const { registry } = await answering(json(401, { error_code: 40101, message: 'no' }));
    const error: unknown = await registry.schemaById(7).catch((caught: unknown) => caught);
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('lovelace');
  });
});
