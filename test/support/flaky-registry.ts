/** A proxy between an engine and a registry that can break off requests. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes requests on to the registry, or breaks them off. */
export class FlakyRegistry {
  readonly url: string;
  away = false;
  refused = 0;
  readonly #server: Server;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  }

  static async open(target: string): Promise<FlakyRegistry> {
    const { hostname, port, pathname } = new URL(target);
    let registry: FlakyRegistry | undefined;
    const server = createServer((incoming, answer) => {
      if (registry === undefined || registry.away) {
        if (registry !== undefined) registry.refused++;
        answer.socket?.destroy();
        return;
      }
      const { method, url: path, headers } = incoming;
      const passed = request({ hostname, port, method, path, headers }, (given) => {
        answer.writeHead(given.statusCode ?? 502, given.headers);
        given.pipe(answer);
      });
      passed.on('error', () => answer.socket?.destroy());
      incoming.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    registry = new FlakyRegistry(server, pathname);
    return registry;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
