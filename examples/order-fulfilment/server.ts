/**
 * A shop's back office to try the order fulfilment against: stock, payments and parcels on one small HTTP server. Like
 * real ones it fails sometimes: the first attempt of about every third request is answered 503. Like good ones it
 * remembers idempotency keys: a repeated request gets the first answer and does nothing twice. Keeps everything in memory.
 *
 * `node server.ts` listens on EXAMPLE_SERVER_HOST or 127.0.0.1, on EXAMPLE_SERVER_PORT or 8090.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';

type Answer = { readonly status: number; readonly body: object | null };
type Fields = Readonly<Record<string, unknown>>;

/** What the shop has done for an order: `GET /orders/{orderId}` shows it. */
type Ledger = { reservations: number; released: number; payments: number; refunds: number; shipments: number };

const BODY_BYTES_MAX = 65_536;
const port = Number(process.env.EXAMPLE_SERVER_PORT ?? 8090);
const host = process.env.EXAMPLE_SERVER_HOST ?? '127.0.0.1';

const ledgers = new LRUCache<string, Ledger>({ max: 20_000 });
/** First answers by idempotency key. */
const answers = new LRUCache<string, Answer>({ max: 100_000 });
/** Keys whose first attempt was made to fail. */
const failedOnce = new LRUCache<string, true>({ max: 100_000 });
const orderOfReservation = new LRUCache<string, string>({ max: 20_000 });

const server = createServer((request, response) => {
  handle(request).then(
    (answer) => send(response, answer),
    (error: unknown) => send(response, { status: 400, body: { error: error instanceof Error ? error.message : 'bad request' } }),
  );
});
server.on('error', (error: NodeJS.ErrnoException) => {
  const why = error.code === 'EADDRINUSE' ? `port ${port} is in use; choose another one by EXAMPLE_SERVER_PORT` : error.message;
  process.stderr.write(`The example's server cannot listen: ${why}.\n`);
  process.exit(1);
});
server.listen(port, host, () => process.stdout.write(`The shop listens on http://${host}:${port}\n`));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });

async function handle(request: IncomingMessage): Promise<Answer> {
  const { method = 'GET', url = '/' } = request;
  const [, resource = '', id = ''] = url.split('/').map(decodeURIComponent);
  const fields = await readBody(request);
  if (method === 'GET' && resource === 'orders') return { status: 200, body: ledgerOf(id) };
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return { status: 400, body: { error: 'an idempotency-key is missing' } };
  const before = answers.get(key);
  if (before !== undefined) return before;
  if (failsNow(key)) return { status: 503, body: { error: 'try again' } };
  const answer = work(`${method} ${resource}`, id, fields, key);
  answers.set(key, answer);
  return answer;
}

/** Depends on the key alone, so that a run can be repeated; a second attempt succeeds always. */
function failsNow(key: string): boolean {
  if (failedOnce.has(key) || digestOf(key).charCodeAt(0) % 3 !== 0) return false;
  failedOnce.set(key, true);
  return true;
}

function work(what: string, id: string, fields: Fields, key: string): Answer {
  const made = digestOf(key).slice(0, 10);
  switch (what) {
    case 'POST reservations': {
      const orderId = textOf(fields, 'orderId');
      if (JSON.stringify(fields.items).includes('"sold-out"')) return { status: 409, body: { error: 'sold out' } };
      ledgerOf(orderId).reservations += 1;
      orderOfReservation.set(`RS-${made}`, orderId);
      return { status: 201, body: { reservationId: `RS-${made}` } };
    }
    case 'DELETE reservations': {
      const orderId = orderOfReservation.get(id);
      if (orderId === undefined) return { status: 404, body: { error: 'no such reservation' } };
      ledgerOf(orderId).released += 1;
      return { status: 204, body: null };
    }
    case 'POST payments':
      if (textOf(fields, 'card') === 'declined') return { status: 402, body: { error: 'the card was declined' } };
      ledgerOf(textOf(fields, 'orderId')).payments += 1;
      return { status: 201, body: { paymentId: `PM-${made}` } };
    case 'POST refunds':
      ledgerOf(textOf(fields, 'orderId')).refunds += 1;
      return { status: 201, body: { refundId: `RF-${made}` } };
    case 'POST shipments':
      if (textOf(fields, 'to') === 'nowhere') return { status: 422, body: { error: 'no carrier goes there' } };
      ledgerOf(textOf(fields, 'orderId')).shipments += 1;
      return { status: 201, body: { shipmentId: `SH-${made}` } };
    default:
      return { status: 404, body: { error: 'the shop has no such resource' } };
  }
}

function ledgerOf(orderId: string): Ledger {
  let ledger = ledgers.get(orderId);
  if (ledger === undefined) {
    ledger = { reservations: 0, released: 0, payments: 0, refunds: 0, shipments: 0 };
    ledgers.set(orderId, ledger);
  }
  return ledger;
}

async function readBody(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  if (size === 0) return {};
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (typeof value !== 'object' || value === null) throw new Error('the body must be a JSON object');
  return value as Fields;
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`"${name}" must be a string`);
  return value;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status;
  if (body === null) {
    response.end();
    return;
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
