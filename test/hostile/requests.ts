/** Malicious requests, and the answer to each: a refusal with the reason, never an error of the server. */

export type HostileRequest = {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Allowed statuses; default: any refusal (4xx). An accepted request is harmless, or ends at a limit. */
  readonly statuses?: readonly number[];
};

const ID = '019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11';
const starts = '/v1/definitions/hostile-none/instances';
const long = (length: number): string => 'x'.repeat(length);
const post = (name: string, path: string, body: unknown, more: Partial<HostileRequest> = {}): HostileRequest => ({
  ...{ name, method: 'POST', path, body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) },
  ...more,
});
const get = (name: string, path: string, headers: Readonly<Record<string, string>> = {}): HostileRequest => ({ name, path, headers });

const bodies: readonly HostileRequest[] = [
  post('JSON 400,000 levels deep', starts, `{"input":${'['.repeat(400_000)}${']'.repeat(400_000)}}`),
  post('an unclosed JSON of brackets', starts, '{"input":'.repeat(90_000)),
  post('a number without an end', starts, `{"input":${'9'.repeat(900_000)}}`),
  post('a number with a huge exponent', starts, `{"input":1e${'9'.repeat(900_000)}}`),
  post('minus signs', starts, `{"input":${'-'.repeat(900_000)}1}`),
  post('one key 100,000 times', starts, `{${'"a":1,'.repeat(100_000)}"a":1}`),
  post('150,000 unknown fields', starts, `{${Array.from({ length: 80_000 }, (_, n) => `"k${n}":1`).join(',')}}`),
  post('a prototype', starts, '{"__proto__":{"isAdmin":true}}'),
  post('a constructor', starts, '{"constructor":{"prototype":{"isAdmin":true}}}'),
  post('escapes of halves of pairs', starts, `{"input":"${'\\ud800'.repeat(150_000)}"}`),
  post('escaped NULs', starts, { input: '\u0000'.repeat(100_000) }),
  post('bytes that are no UTF-8', starts, new Uint8Array(900_000).fill(0xff)),
  post('UTF-16', starts, Buffer.from('{"input":1}', 'utf16le')),
  post('a body beyond the limit', starts, `{"input":"${long(3_000_000)}"}`),
  post('a body that claims to be packed', starts, Buffer.from([0x1f, 0x8b, 8, 0]), { headers: { 'content-encoding': 'gzip' } }),
  post('a form', starts, 'input=1', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  post('parts of a form', starts, '--x--', { headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
  post('XML', starts, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', { headers: { 'content-type': 'application/xml' } }),
  post('a type that is long', starts, '{}', { headers: { 'content-type': `application/${long(8_000)}json` } }),
];

const values: readonly HostileRequest[] = [
  post('a business key of a megabyte', starts, { businessKey: long(900_000) }),
  post('a version that is no integer', starts, { version: 1e300 }),
  post('a wait for ever', `${starts}?wait=P1Y`, {}),
  post('a wait that ended before', `${starts}?wait=-1s`, {}),
  post('a wait without end', `${starts}?wait=${'9'.repeat(300)}h`, {}),
  post('an idempotency key of 8 KB', starts, {}, { headers: { 'idempotency-key': long(8_000) } }),
  post('an event without a type', '/v1/events', { type: '', key: 'k' }),
  post('an event with a long type', '/v1/events', { type: long(100_000), key: 'k' }),
  post('an event with a long key', '/v1/events', { type: 't', key: long(100_000) }),
  post('an event with a long id', '/v1/events', { type: 't', key: 'k', id: long(100_000) }),
  post('an event with a long source', '/v1/events', { type: 't', key: 'k', source: long(100_000) }),
  post('an event of another time', '/v1/events', { type: 't', key: 'k', time: '+275760-09-13T00:00:00Z' }),
  post('an event that is too large', '/v1/events', { type: 't', key: 'k', data: long(700_000) }),
  post('a reason of a megabyte', `/v1/instances/${ID}/cancel`, { reason: long(900_000) }),
  post('a retry of a long task', `/v1/instances/${ID}/retry`, { taskId: `${ID}.${'a.'.repeat(400_000)}` }),
  post('a comment of a megabyte', `/v1/tasks/${ID}.a/comment`, { text: long(900_000) }),
  post('a comment with a NUL', `/v1/tasks/${ID}.a/comment`, { text: 'a\u0000b' }),
  post('a delegation to a long name', `/v1/tasks/${ID}.a/delegate`, { to: long(900_000) }),
  post('an outcome that is long', `/v1/tasks/${ID}.a/complete`, { outcome: long(900_000) }),
  post('an error that is long', `/v1/tasks/${ID}.a/fail`, { error: { code: long(400_000), message: long(400_000) } }),
  post('an attempt beyond counting', `/v1/tasks/${ID}.a/complete`, '{"output":1,"attempt":1e999}'),
  post('an input of a trigger that is not there', '/v1/definitions/none/triggers/t/fire', { input: long(700_000) }),
];

const addresses: readonly HostileRequest[] = [
  get('a limit beyond counting', '/v1/instances?limit=99999999999999999999'),
  get('two limits', '/v1/instances?limit=1&limit=2'),
  get('a filter with brackets', '/v1/instances?status[]=running'),
  get('a prototype in the query', '/v1/instances?__proto__=1'),
  get('1,500 parameters', `/v1/instances?${Array.from({ length: 1_500 }, (_, n) => `p${n}=1`).join('&')}`),
  get('a cursor of another list', `/v1/tasks?cursor=${Buffer.from('["instances","x"]').toString('base64url')}`),
  get('a cursor of a list that is none', `/v1/dead-letters?cursor=${Buffer.from('["dead-letters",{"a":1}]').toString('base64url')}`),
  get('a cursor that is long', `/v1/instances?cursor=${long(8_000)}`),
  get('a cursor with a number beyond counting', `/v1/dead-letters?cursor=${Buffer.from('["dead-letters",1e300]').toString('base64url')}`),
  get('a NUL in a filter', '/v1/instances?businessKey=%00'),
  get('an escape that is none', '/v1/instances/%zz'),
  get('a way out of the folder', '/v1/..%2f..%2fetc%2fpasswd'),
  get('a way out of the docs', '/docs/static/..%2f..%2f..%2fpackage.json'),
  get('an address of 12 KB', `/v1/instances/${long(12_000)}`),
  get('a task far down', `/v1/tasks/${ID}.${'a.'.repeat(900)}a`),
  get('a dead letter beyond counting', '/v1/dead-letters/99999999999999999999999'),
  get('a version beyond counting', '/v1/definitions/a/versions/99999999999999999999'),
  get('a place in a stream that is none', `/v1/instances/${ID}/events`, { 'last-event-id': '-1' }),
  get('a key that is long', '/v1/instances', { authorization: `Bearer ${long(9_000)}` }),
  get('a key that is none', '/v1/instances', { authorization: `Bearer ${'\u00e9'.repeat(20)}` }),
  get('a drawing of a format that is none', `/v1/instances/${ID}/drawing?format=../../x`),
  { name: 'a method that is none', method: 'PROPFIND', path: '/v1/instances' },
  { name: 'a method that is not there', method: 'DELETE', path: `/v1/instances/${ID}` },
];

const node = { type: 'transform', output: 1 };
const deploy = (name: string, document: unknown): HostileRequest => post(name, '/v1/definitions', document, { statuses: [400, 413, 422] });
const expression = (name: string, source: string): HostileRequest =>
  deploy(name, { id: 'hostile', nodes: { a: { type: 'transform', output: `\${ ${source} }` } } });
const schema = (name: string, input: unknown): HostileRequest => deploy(name, { id: 'hostile', input, nodes: { a: node } });

const definitions: readonly HostileRequest[] = [
  deploy('5,000 nodes', { id: 'hostile', nodes: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`n${n}`, node])) }),
  deploy('6,000 edges between two', {
    id: 'hostile',
    nodes: { a: node, b: node },
    edges: Array.from({ length: 6_000 }, () => ({ from: 'a', to: 'b' })),
  }),
  deploy('a circle of 900', {
    id: 'hostile',
    nodes: Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`n${n}`, node])),
    edges: Array.from({ length: 900 }, (_, n) => ({ from: `n${n}`, to: `n${(n + 1) % 900}` })),
  }),
  deploy('nodes without end', { id: 'hostile', nodes: { a: { ...node, output: long(400_000) } } }),
  deploy('labels without end', {
    id: 'hostile',
    labels: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`l${n}`, long(40)])),
    nodes: { a: node },
  }),
  deploy('a title without end', { id: 'hostile', title: long(200_000), nodes: { a: node } }),
  deploy('an id without end', { id: long(200_000), nodes: { a: node } }),
  deploy('a node called __proto__', '{"id":"hostile","nodes":{"__proto__":{"type":"transform","output":1}}}'),
  deploy('a duration without end', { id: 'hostile', nodes: { a: { type: 'wait', for: `${'9'.repeat(5_000)}h` } } }),
  deploy('a schedule that never comes', { id: 'hostile', nodes: { a: node }, triggers: { t: { schedule: { cron: '0 0 31 2 *' } } } }),
  deploy('a schedule without end', { id: 'hostile', nodes: { a: node }, triggers: { t: { schedule: { cron: '1,'.repeat(50_000) } } } }),
  expression('an expression of 200 KB', `1${'+1'.repeat(100_000)}`),
  expression('an expression of brackets', `${'('.repeat(9_000)}1${')'.repeat(900)}`),
  expression('an expression far down', `${'['.repeat(4_000)}1${']'.repeat(4_000)}`),
  expression('a pattern that doubles', `'a'.matches('${'a{1000}'.repeat(1_000)}')`),
  expression('a way to the constructor', 'input.constructor.constructor("return process")('),
  schema('a schema of somebody else', { $ref: 'http://127.0.0.1/schema.json' }),
  schema('a schema of a file', { $ref: 'file:///etc/passwd' }),
  schema('an inherited schema', { $ref: '#/__proto__' }),
  schema('an inherited constructor', { $ref: '#/constructor' }),
  { ...schema('a schema that is itself', { $ref: '#' }), statuses: [200, 201] },
  schema('a pattern that explodes', { type: 'string', pattern: `(${'a{1000}'.repeat(100)}){1000}` }),
  schema('a pattern that looks back', { type: 'string', pattern: '(?<=a)b(?=c)\\1' }),
  schema(
    'a schema 12 levels deep of unions',
    Array.from({ length: 12 }).reduce<unknown>((inner) => ({ anyOf: [inner, inner] }), { type: 'x' }),
  ),
];

export const hostileRequests: readonly HostileRequest[] = [...bodies, ...values, ...addresses, ...definitions];
