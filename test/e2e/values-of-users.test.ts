/** Values that come from a user's input reach the addresses, forms, roles and events of nodes as what they are, and nothing more. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';

const search = {
  id: 'e2e-values-search',
  nodes: { ask: { type: 'http', method: 'GET', url: '${ input.base }/customers/${ input.name }?q=${ input.name }&only=mine' } },
  output: '${ nodes.ask.output.body }',
};
const form = {
  id: 'e2e-values-form',
  nodes: {
    ask: {
      type: 'http',
      method: 'POST',
      url: '${ input.base }/form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: { name: '${ input.name }', amount: 12, urgent: true },
    },
  },
  output: '${ nodes.ask.output.body }',
};
const people = {
  id: 'e2e-values-people',
  nodes: {
    ask: { type: 'human', title: 'Approve?', assignees: { users: ['${ input.user }'], roles: ['${ input.role }', '${ input.isChief }'] } },
  },
};
const publish = { id: 'e2e-values-publish', nodes: { tell: { type: 'publish', event: 'e2e.told', key: '${ input.key }' } } };

/** The handler gives what stands in the text, so that an input says whether the output fits. */
const avro = {
  id: 'e2e-values-avro',
  input: { avro: { type: 'record', name: 'In', fields: [{ name: 'given', type: 'string' }] } },
  nodes: {
    price: {
      type: 'task',
      task: 'e2e.echo',
      input: { parsed: '${ json.parse(input.given) }', at: 1 },
      inputSchema: {
        avro: {
          type: 'record',
          name: 'Ask',
          fields: [
            { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
            { name: 'parsed', type: { type: 'map', values: ['null', 'string', 'long'] } },
          ],
        },
      },
      outputSchema: {
        avro: {
          type: 'record',
          name: 'Answer',
          fields: [
            { name: 'at', type: 'long' },
            {
              name: 'parsed',
              type: {
                type: 'record',
                name: 'Price',
                fields: [
                  { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 } },
                  { name: 'note', type: ['null', 'string'], default: null },
                ],
              },
            },
          ],
        },
      },
    },
    tell: { type: 'transform', output: { amount: '${ nodes.price.output.parsed.amount }' } },
  },
  edges: [{ from: 'price', to: 'tell' }],
  output: '${ nodes.tell.output }',
};

describe('values of users on the whole stack', () => {
  let engine: TestEngine;
  let server: Server;
  let base: string;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const received = { url: request.url, type: request.headers['content-type'] ?? null, body: await text(request) };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(received));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    engine = await TestEngine.start({ workers: ['test/support/e2e-handlers.ts'] });
    for (const definition of [search, form, people, publish, avro]) await engine.deploy(definition);
  }, 120_000);
  afterAll(async () => {
    await engine.stop();
    server.close();
  });

  const endOf = async (definition: string, input: Record<string, string | number | boolean>) => {
    const instanceId = await engine.startInstance(definition, input);
    return await eventuallyHas(
      () => engine.client.instance(instanceId),
      ({ status }) => status !== 'running',
      { timeoutMs: 60_000, what: `${instanceId} runs no more` },
    );
  };

  test.each([
    ['a path, a query and a fragment', 'a/b?admin=1#x', 'a%2Fb%3Fadmin%3D1%23x'],
    ['another place', '../../admin', '..%2F..%2Fadmin'],
    ['another value of the query', 'a&only=all', 'a%26only%3Dall'],
    ['a line of a request', 'a HTTP/1.1\r\nx-admin: 1', 'a%20HTTP%2F1.1%0D%0Ax-admin%3A%201'],
  ])('a name that would be %s is one part of the path and one value of the query', async (_, name, encoded) => {
    expect(await endOf(search.id, { base, name })).toMatchObject({
      status: 'completed',
      output: { url: `/customers/${encoded}?q=${encoded}&only=mine` },
    });
  });

  test('a body under the type of forms is sent as a form', async () => {
    expect(await endOf(form.id, { base, name: 'a&amount=1000 ü' })).toMatchObject({
      status: 'completed',
      output: { type: 'application/x-www-form-urlencoded', body: 'name=a%26amount%3D1000%20%C3%BC&amount=12&urgent=true' },
    });
  });

  test('roles and users that are numbers or booleans are their strings', async () => {
    const instanceId = await engine.startInstance(people.id, { user: 42, role: 7, isChief: true });
    const { items } = await eventuallyHas(
      () => engine.client.inbox({ instanceId }),
      ({ items: open }) => open.length === 1,
    );
    expect(items[0]?.assignees).toEqual({ users: ['42'], roles: ['7', 'true'] });
  });

  test('a role with blanks around it, which nobody has, is an incident', async () => {
    expect(await endOf(people.id, { user: 'ada', role: ' chief ', isChief: false })).toMatchObject({
      status: 'incident',
      open: [{ nodeId: 'ask', waitingFor: { kind: 'incident' } }],
    });
  });

  test('a key of 500 characters is published, and one of 501 is an incident', async () => {
    expect(await endOf(publish.id, { key: 'k'.repeat(500) })).toMatchObject({ status: 'completed' });
    expect(await endOf(publish.id, { key: 'k'.repeat(501) })).toMatchObject({
      status: 'incident',
      open: [{ nodeId: 'tell', waitingFor: { kind: 'incident' } }],
    });
  });

  test('what fits the Avro that a node declares goes on, also without a field that has a default', async () => {
    expect(await endOf(avro.id, { given: '{"amount":"12.30"}' })).toMatchObject({ status: 'completed', output: { amount: '12.30' } });
    expect(await endOf(avro.id, { given: '{"amount":"-0.50","note":null}' })).toMatchObject({ status: 'completed' });
  });

  test('an output that does not fit the Avro is an incident that says where, and never shows the value', async () => {
    const instance = await endOf(avro.id, { given: '{"amount":"12.3","nota":"x"}' });
    expect(instance).toMatchObject({
      status: 'incident',
      open: [{ nodeId: 'price', waitingFor: { kind: 'incident', error: { code: 'OUTPUT_INVALID' } } }],
    });
    const [open] = instance.open;
    expect(JSON.stringify(open?.waitingFor)).toContain('/parsed/amount: This string must match the pattern');
    expect(JSON.stringify(open?.waitingFor)).toContain('/parsed/nota: The property \\"nota\\" is not known here.');
    expect(JSON.stringify(open?.waitingFor)).not.toContain('12.3');
  });

  test('an input that does not fit the Avro is sent to nobody', async () => {
    expect(await endOf(avro.id, { given: '{"amount":[]}' })).toMatchObject({
      status: 'incident',
      open: [{ nodeId: 'price', waitingFor: { kind: 'incident', error: { code: 'INPUT_INVALID' } } }],
    });
    await expect(engine.startInstance(avro.id, { given: 1 })).rejects.toMatchObject({ code: 'MR_INPUT_INVALID' });
  });
});
