/**
 * A pooler before Postgres, as far as the engine meets one: in session mode a connection has a session of the server for as long as it
 * lives, in transaction mode for a transaction, and it may refuse connections by a code. What follows from the sharing (prepared
 * statements that are not there, settings of others) is Postgres' own doing.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import pg from 'pg';

export type PoolerMode = 'session' | 'transaction';
/** Which free session is lent next: the one that was used last (PgBouncer's default), or each in its turn. */
export type PoolerOrder = 'last' | 'turn';

/** So few that connections meet in them. */
const SHARED_SESSIONS = 2;

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const READY = 0x5a;
const TERMINATE = 0x58;
const IDLE = 'I'.charCodeAt(0);

type Session = { readonly socket: Duplex; readonly client: pg.Client; holder: Connection | null; unread: Buffer };
type Connection = { readonly socket: Socket; session: Session | null; readonly waiting: Buffer[] };

export class Pooler {
  mode: PoolerMode = 'session';
  /** With which every connection is refused, where it is set. */
  refusal: { readonly code: string; readonly message: string } | null = null;
  readonly #url: string;
  readonly #order: PoolerOrder;
  readonly #server: Server;
  readonly #free: Session[] = [];
  readonly #sessions: Session[] = [];
  /** As many sessions as there are, or will be in a moment. */
  #logins = 0;
  readonly #sockets = new Set<Socket>();
  /** Connections that wait for a session. */
  readonly #queue: Connection[] = [];

  private constructor(url: string, order: PoolerOrder) {
    this.#url = url;
    this.#order = order;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @param url of the database that it stands before. */
  static async open(url: string, order: PoolerOrder = 'last'): Promise<Pooler> {
    const pooler = new Pooler(url, order);
    await new Promise<void>((resolve) => pooler.#server.listen(0, '127.0.0.1', resolve));
    return pooler;
  }

  /** The database behind the pooler. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the pooler does not listen');
    const url = new URL(this.#url);
    url.host = `127.0.0.1:${address.port}`;
    return url.href;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const { socket } of this.#sessions) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const connection: Connection = { socket, session: null, waiting: [] };
    let isOpen = false;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#leave(connection);
    });
    socket.on('data', (bytes) => {
      if (isOpen) this.#fromClient(connection, bytes);
      else if ([SSL_REQUEST, GSS_REQUEST].includes(bytes.readInt32BE(4))) socket.write('N');
      else if (this.refusal !== null) socket.end(errorOf(this.refusal));
      else {
        isOpen = true;
        socket.write(welcome());
      }
    });
  }

  #fromClient(connection: Connection, bytes: Buffer): void {
    if (bytes[0] === TERMINATE) {
      connection.socket.end();
      return;
    }
    connection.waiting.push(bytes);
    if (connection.session !== null) {
      this.#send(connection, connection.session);
      return;
    }
    if (!this.#queue.includes(connection)) this.#queue.push(connection);
    void this.#lend();
  }

  async #lend(): Promise<void> {
    const connection = this.#queue.shift();
    if (connection === undefined) return;
    const free = this.mode === 'session' ? undefined : this.#order === 'last' ? this.#free.pop() : this.#free.shift();
    if (free !== undefined) this.#give(free, connection);
    else if (this.mode === 'transaction' && this.#logins >= SHARED_SESSIONS) this.#queue.unshift(connection);
    else {
      this.#logins++;
      this.#give(await this.#login(), connection);
    }
  }

  #give(session: Session, connection: Connection): void {
    session.holder = connection;
    connection.session = session;
    this.#send(connection, session);
  }

  #send({ waiting }: Connection, { socket }: Session): void {
    for (const bytes of waiting.splice(0)) socket.write(bytes);
  }

  /** node-postgres logs in; then its socket is ours. */
  async #login(): Promise<Session> {
    const client = new pg.Client({ connectionString: this.#url });
    client.on('error', () => undefined);
    await client.connect();
    const { stream: socket } = client.connection;
    socket.removeAllListeners('data');
    const session: Session = { socket, client, holder: null, unread: Buffer.alloc(0) };
    socket.on('data', (bytes) => this.#fromServer(session, bytes));
    this.#sessions.push(session);
    return session;
  }

  #fromServer(session: Session, bytes: Buffer): void {
    session.holder?.socket.write(bytes);
    let rest = Buffer.concat([session.unread, bytes]);
    let isReady = false;
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const length = rest.readInt32BE(1) + 1;
      isReady = rest[0] === READY && rest[5] === IDLE;
      rest = rest.subarray(length);
    }
    session.unread = rest;
    if (isReady && rest.length === 0 && this.mode === 'transaction') this.#release(session);
  }

  #release(session: Session): void {
    if (session.holder !== null) session.holder.session = null;
    session.holder = null;
    this.#free.push(session);
    void this.#lend();
  }

  /** The session ends with its connection, as PgBouncer would clean it. */
  #leave(connection: Connection): void {
    const { session } = connection;
    const place = this.#queue.indexOf(connection);
    if (place >= 0) this.#queue.splice(place, 1);
    if (session === null) return;
    session.socket.destroy();
    this.#sessions.splice(this.#sessions.indexOf(session), 1);
    this.#logins--;
  }
}

/** Whoever comes is let in; the server's own parameters, as far as node-postgres looks at them. */
function welcome(): Buffer {
  const parameters = Object.entries({ server_version: '18.0', client_encoding: 'UTF8', standard_conforming_strings: 'on' });
  const status = parameters.map(([name, value]) => messageOf('S', `${name}\0${value}\0`));
  return Buffer.concat([
    messageOf('R', Buffer.alloc(4)),
    ...status,
    messageOf('K', Buffer.alloc(8)),
    messageOf('Z', String.fromCharCode(IDLE)),
  ]);
}

function errorOf({ code, message }: { readonly code: string; readonly message: string }): Buffer {
  return messageOf('E', `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
}

function messageOf(type: string, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}
