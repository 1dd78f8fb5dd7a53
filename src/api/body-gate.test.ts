/** What callers get while more is sent at once than a process should hold. */
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyGate } from './body-gate.ts';
import { handleError } from './problem.ts';

const KIB = 1_024;

const apps: ReturnType<typeof fastify>[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** It answers when it is told to. */
function open(bytesMax: number) {
  const gate = new BodyGate(bytesMax);
  const answering = Promise.withResolvers<void>();
  const app = fastify();
  apps.push(app);
  app.setErrorHandler(handleError);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, (body as Buffer).length));
  app.addHook('preParsing', gate.preParsing);
  let inside = 0;
  app.post('/', async (request) => {
    inside++;
    await answering.promise;
    return { bytes: request.body };
  });
  const send = async (bytes: number) =>
    await app.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, body: 'x'.repeat(bytes) });
  return { gate, send, answer: answering.resolve, inside: () => inside };
}

describe('Large bodies', () => {
  it('are refused where those inside take all the room, and taken again when they have been answered', async () => {
    const { gate, send, answer, inside } = open(250 * KIB);
    const first = [send(100 * KIB), send(100 * KIB)];
    await expect.poll(inside).toBe(2);
    expect(gate.bytes).toBe(200 * KIB);

    const refused = await send(100 * KIB);
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json()).toMatchObject({ code: 'MR_TOO_BUSY' });
    expect(gate.bytes).toBe(200 * KIB);

    answer();
    for (const { statusCode, body } of await Promise.all(first)) expect([statusCode, body]).toEqual([200, `{"bytes":${100 * KIB}}`]);
    await expect.poll(() => gate.bytes).toBe(0);
    expect((await send(200 * KIB)).statusCode).toBe(200);
  });

  it('keep no small one out, which is what people send', async () => {
    const { send, answer, inside } = open(100 * KIB);
    const large = send(100 * KIB);
    await expect.poll(inside).toBe(1);
    const small = send(10 * KIB);
    await expect.poll(inside).toBe(2);
    answer();
    expect([(await large).statusCode, (await small).statusCode]).toEqual([200, 200]);
  });
});
