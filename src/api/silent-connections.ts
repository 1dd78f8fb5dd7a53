/**
 * Ends connections that have never sent a request when the server closes. Clients open some ahead of need, and Node counts
 * them as busy: each would delay the end of the process for as long as its client keeps it.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ApiApp } from './context.ts';

export function endSilentConnections(app: ApiApp): void {
  const silent = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  app.server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket));
  app.addHook('preClose', (done) => {
    for (const socket of silent) socket.destroy();
    done();
  });
}
