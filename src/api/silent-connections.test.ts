import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { openTestApi } from './testing/test-api.ts';

it('does not let a client that opened a connection and asks nothing hold up the end', async () => {
  const { app } = await openTestApi();
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const accepted = once(app.server, 'connection');
  const silent = connect(Number(url.port), url.hostname);
  await accepted;
  const ended = once(silent, 'close');
  silent.resume();
  await app.close();
  await ended;
  expect(app.server.listening).toBe(false);
});
