/** The command line as scripts meet it: spawned, with its output and its exit codes. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redactConfig } from './commands/install.ts';
import { type CommandLine, openCommandLine } from './testing/command-line.ts';

const bin = fileURLToPath(new URL('./bin.mjs', import.meta.url));

let line: CommandLine;
let home: string;

const millrace: CommandLine['millrace'] = (...given) => line.millrace(...given);
const answering: CommandLine['answering'] = (...given) => line.answering(...given);

beforeAll(async () => {
  line = await openCommandLine();
  home = line.home;
});

afterAll(async () => await line.close());

describe('Usage', () => {
  it('is shown, with the exit codes', async () => {
    const { code, stdout } = await millrace(['--help']);
    expect(code).toBe(0);
    for (const word of ['deploy', 'start', 'dead-letters', 'verify', 'orchestrator', 'Exit codes:']) expect(stdout).toContain(word);
  });

  it.each([
    ['an unknown command', ['strat'], 'Did you mean start?'],
    ['an unknown option', ['list', '--stat', 'running'], '--stat'],
    ['a missing argument', ['get'], "missing required argument 'instance'"],
    ['a number that is none', ['list', '--limit', 'many'], 'Expected an integer'],
    ['a duration that is none', ['pause', 'i', '--wait', 'soon'], 'Expected a duration'],
    ['a duration without a unit', ['complete', 't', '--wait', '10'], 'Expected a duration'],
    ['a duration left out', ['redispatch', '--wait'], "'--wait <duration>' argument missing"],
    ['a limit of nothing', ['dead-letters', '--limit', '0'], 'Expected an integer'],
    ['an instance left out', ['retry', '--task', 't'], "missing required argument 'instance'"],
    ['a task left out', ['claim', '--as', 'ada'], "missing required argument 'task'"],
    ['no dead letter to replay', ['dead-letters', 'replay'], "missing required argument 'id'"],
    ['an event without a key', ['send-event', 'paid'], '--key'],
    ['data that is no JSON', ['send-event', 'paid', '--key', 'k', '--data', '{x'], 'cannot be used as JSON'],
    ['a failure without a code', ['fail', 't', '--message', 'm'], '--code'],
    ['an argument too many', ['cancel', 'i', 'a mistake'], 'too many arguments'],
    ['an unknown part of a command', ['connector', 'aply'], 'aply'],
    ['input that is no JSON', ['start', 'a', '--input', '{x'], 'cannot be used as JSON'],
    ['a number that would be rounded', ['start', 'a', '--input', '{"a":12345678901234567890}'], '/a'],
    [
      'a key that stands twice',
      ['start', 'a', '--input', '{"amount":1,"amount":2}'],
      'the key "amount" twice: keep one of them. (at /amount)',
    ],
    ['a file that is not there', ['deploy', '/nowhere/x.json'], 'cannot be read'],
    ['a mandatory option left out', ['keys', 'create', '--subject', 'ada'], '--role'],
  ])('says what is wrong with %s, and ends with 2', async (_, args, message) => {
    const { code, stdout, stderr } = await millrace(args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('is wrong with an address that is none', async () => {
    expect(await millrace(['list'], { MILLRACE_URL: 'localhost:8080' })).toMatchObject({ code: 2 });
  });

  it('is the same through the installed command', async () => {
    expect(await millrace(['get'], {}, '', bin)).toMatchObject({ code: 2 });
  });

  it('has a version, that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await millrace(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

it.each([
  ['UTF-16, as some shells write it', Buffer.from('\ufeff{"id":"a"}', 'utf16le'), 'it is in UTF-16. Save it as UTF-8.'],
  ['another encoding', Buffer.from('{"id":"ä"}', 'latin1'), 'it is not in UTF-8. Save it as UTF-8.'],
  ['a key that stands twice', Buffer.from('{"nodes":{"a":{},"a":{}}}'), 'the key "a" twice: keep one of them. (at /nodes/a)'],
])('A file with %s is refused by what it is', async (_, bytes, message) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-file-'));
  const file = join(folder, 'definition.json');
  await writeFile(file, bytes);
  const { code, stderr } = await millrace(['validate', file]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  await rm(folder, { recursive: true });
});

describe('Without what it needs, it says so in one line', () => {
  /** A checkout in which nobody has run `npm install`. */
  async function bareCheckout(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-checkout-'));
    await mkdir(join(folder, 'src', 'cli'), { recursive: true });
    for (const name of ['bin.mjs', 'main.ts']) await copyFile(join(import.meta.dirname, name), join(folder, 'src', 'cli', name));
    return folder;
  }

  it('that the packages of the checkout are not installed', async () => {
    const folder = await bareCheckout();
    const ended = await millrace(['--help'], {}, '', join(folder, 'src', 'cli', 'bin.mjs'));
    const stderr = `millrace: Cannot find package 'commander', which it needs. Run "npm install" in ${folder}/.\n`;
    expect(ended).toEqual({ code: 1, stdout: '', stderr });
    await rm(folder, { recursive: true });
  });

  it('that Node is too old', async () => {
    const folder = await bareCheckout();
    const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.20.2'}})`;
    const ended = await millrace(['--help'], { NODE_OPTIONS: `--import=${old}` }, '', join(folder, 'src', 'cli', 'bin.mjs'));
    const stderr = `millrace needs Node 22.18 or later; this is 20.20.2. Install a newer Node, or run "npm install" in ${folder}/, which brings one.\n`;
    expect(ended).toEqual({ code: 1, stdout: '', stderr });
    await rm(folder, { recursive: true });
  });
});

it('gives the handlers of a project the millrace that this project has installed', async () => {
  const project = await mkdtemp(join(home, 'project-'));
  const own = join(project, 'node_modules', 'millrace');
  await mkdir(own, { recursive: true });
  const target = { 'millrace-source': './src/worker/index.ts', default: './built.mjs' };
  await writeFile(join(own, 'package.json'), JSON.stringify({ name: 'millrace', exports: { './worker': target } }));
  await writeFile(join(own, 'built.mjs'), "export const told = 'the built one';");
  // A module that throws ends the worker with what it has said.
  await writeFile(join(project, 'handlers.mjs'), "import { told } from 'millrace/worker'; throw new Error(told);");
  const { code, stdout } = await millrace(['worker', join(project, 'handlers.mjs')]);
  expect(code).toBe(1);
  expect(stdout).toContain('cannot be loaded: the built one');
});

describe('Against a server', () => {
  it.each([
    [404, 3],
    [409, 4],
    [401, 4],
    [422, 4],
    [400, 2],
    [500, 5],
  ])('an answer of %i ends with %i and its reason', async (status, expected) => {
    answering(status, { code: 'MR_NOT_FOUND', detail: 'Because.', errors: [{ pointer: '/a', message: 'is wrong' }] });
    const { code, stderr, stdout } = await millrace(['get', 'i']);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toBe('Because. (MR_NOT_FOUND)\n  /a: is wrong\n');
  });

  it('no answer ends with 5', async () => {
    const { code, stderr } = await millrace(['list'], { MILLRACE_URL: 'http://127.0.0.1:9' });
    expect(code).toBe(5);
    expect(stderr).toContain('cannot be reached at http://127.0.0.1:9');
  });

  it('sends the key of the home, or the one in the environment', async () => {
    const keys: (string | undefined)[] = [];
    line.answer = (request, response) => {
      keys.push(request.headers.authorization);
      response.end('{"items":[],"nextCursor":null}');
    };
    await writeFile(join(home, 'api-key'), 'from-home\n');
    await millrace(['list']);
    await millrace(['list'], { MILLRACE_API_KEY: 'from-environment' });
    expect(keys).toEqual(['Bearer from-home', 'Bearer from-environment']);
  });

  it('prints a table without colours for a pipe, hints aside', async () => {
    const item = {
      instanceId: '0190',
      definition: { id: 'order', version: 2 },
      businessKey: 'red\u001b[31m',
      status: 'running',
      createdAt: '2026-01-31T09:00:00.000Z',
      updatedAt: '2026-01-31T09:00:01.000Z',
    };
    answering(200, { items: [item], nextCursor: 'abc' });
    const { code, stdout, stderr } = await millrace(['list']);
    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(/^0190 +order@2 +red \[31m +running +2026-01-31 09:00:00 +2026-01-31 09:00:01$/);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toBe('More: --cursor abc\n');
  });

  it('asks for a part of a history, and for instances that retry or are under an incident of a code', async () => {
    const asked: (string | undefined)[] = [];
    const details = { error: { code: 'BUSY', message: 'try later' } };
    const item = { seq: 7, type: 'TaskFailed', at: '2026-01-31T09:00:00.000Z', cause: 'rest:1', taskId: null, details, omitted: false };
    line.answer = (request, response) => {
      asked.push(request.url);
      response.end(JSON.stringify({ items: request.url?.includes('history') === true ? [item] : [], nextCursor: null }));
    };
    const { stdout } = await millrace(['history', '0190', '--failures', '--newest-first']);
    expect(stdout).toBe('   7  2026-01-31 09:00:00  TaskFailed  BUSY: try later\n');
    await millrace(['history', '0190', '--type', 'TaskFailed,IncidentRaised', '--limit', '3']);
    await millrace(['list', '--retrying']);
    await millrace(['list', '--incident-code', 'HTTP_503']);
    expect(asked).toEqual([
      '/v1/instances/0190/history?only=failures&order=desc',
      '/v1/instances/0190/history?type=TaskFailed%2CIncidentRaised&limit=3',
      '/v1/instances?retrying=true',
      '/v1/instances?incidentCode=HTTP_503',
    ]);
  });

  it('prints the answer as it is with --json', async () => {
    const body = { items: [], nextCursor: null };
    answering(200, body);
    const { stdout } = await millrace(['tasks', '--json']);
    expect(JSON.parse(stdout)).toEqual(body);
  });

  it('sends input from standard input', async () => {
    let sent = '';
    line.answer = (request, response) => {
      request.on('data', (chunk: Buffer) => {
        sent += chunk.toString();
      });
      request.on('end', () => response.writeHead(201).end('{"instanceId":"0190","definition":{"id":"order","version":1}}'));
    };
    const { stdout } = await millrace(['start', 'order', '--input', '@-'], {}, '{"a":1}');
    expect(JSON.parse(sent)).toEqual({ input: { a: 1 } });
    expect(stdout).toBe('0190\n');
  });
});

describe('validate', () => {
  it('names as many errors as the server, and says how many there are', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`n${index}`, { type: 'htpp' }]));
    const { stderr } = await millrace(['validate', '-'], {}, JSON.stringify({ id: 'a', nodes, edges: [] }));
    expect(stderr).toMatch(/^- has 120 errors:/m);
    expect(stderr).toContain('/nodes/n99/type');
    expect(stderr).not.toContain('/nodes/n100/type');
    expect(stderr).toMatch(/ {2}and 20 more\n*$/);
  });

  it('names all errors with their places, without a server, and ends with 4', async () => {
    const document = JSON.stringify({ id: 'a', nodes: { n: { type: 'htpp' } }, edges: [{ from: 'n', to: 'm' }] });
    const { code, stdout, stderr } = await millrace(['validate', '-'], { MILLRACE_URL: 'http://127.0.0.1:9' }, document);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('/nodes/n/type: There is no node type "htpp"');
    expect(stderr).toContain('/edges/0/to: There is no node "m"');
  });
});

describe('config', () => {
  it('hides secrets, also those inside addresses', () => {
    const config = {
      api: { apiKey: 'k', port: 8080 },
      databases: { instances: 'postgres://engine:geheim@db:5432/x?sslmode=require' },
      kafka: { sasl: { username: 'u', password: 'p' }, ssl: { ca: 'c', key: 'pem' }, brokers: ['b:9092'] },
      registry: { url: 'http://registry:8081/apis', credentials: null },
    };
    expect(redactConfig(config)).toEqual({
      api: { apiKey: '(set, not shown)', port: 8080 },
      databases: { instances: 'postgres://engine:***@db:5432/x?sslmode=require' },
      kafka: { sasl: { username: 'u', password: '(set, not shown)' }, ssl: { ca: 'c', key: '(set, not shown)' }, brokers: ['b:9092'] },
      registry: { url: 'http://registry:8081/apis', credentials: null },
    });
  });

  it('is that of the embedded stack that runs in the home', async () => {
    const variables = { INSTANCE_DATABASE_URL: 'postgres://a:b@c/d', DEFINITION_DATABASE_URL: 'postgres://a:b@c/e' };
    const stackHome = await mkdtemp(join(home, 'stack-'));
    await writeFile(join(stackHome, 'environment.json'), JSON.stringify({ starter: { pid: process.pid }, variables }));
    const { code, stdout } = await millrace(['config'], { MILLRACE_HOME: stackHome });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ databases: { instances: 'postgres://a:***@c/d' } });
  });

  it.each([[['verify']], [['keys', 'list']], [['republish']], [['redispatch']], [['migrate']]])(
    'is asked for by %j where no stack runs',
    async (args) => {
      const { code, stdout, stderr } = await millrace(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`No embedded stack runs in ${home} either`);
    },
  );

  it('names every variable that is wrong, and ends with 2', async () => {
    const { code, stderr } = await millrace(['config'], { PORT: 'eighty' });
    expect(code).toBe(2);
    expect(stderr).toContain('PORT is "eighty"');
    expect(stderr).toContain('INSTANCE_DATABASE_URL is not set');
  });
});

describe('Types', () => {
  const file = fileURLToPath(new URL('../../examples/expense-approval/definition.json', import.meta.url));

  it('are written to standard output or a file, which --check compares', async () => {
    const { code, stdout } = await millrace(['types', file]);
    expect(code).toBe(0);
    expect(stdout).toContain('export type ExpenseApprovalInput = {');
    const out = join(home, 'types.ts');
    const check = ['types', file, '--out', out, '--check'];
    expect(await millrace(check)).toEqual({ code: 1, stdout: '', stderr: `${out} is not there: run the command without --check.\n` });
    expect(await millrace(['types', file, '--out', out])).toEqual({ code: 0, stdout: '', stderr: `Wrote ${out}.\n` });
    expect(await millrace(check)).toEqual({ code: 0, stdout: '', stderr: `${out} is up to date.\n` });
    await writeFile(out, stdout.replace('number', 'string'));
    const stderr = `${out} does not fit the definitions any more: run the command without --check.\n`;
    expect(await millrace(check)).toEqual({ code: 1, stdout: '', stderr });
  });

  it('come from what is deployed too, with the version', async () => {
    line.answer = (request, response) => {
      const input = { type: 'object', properties: { url: { const: request.url } } };
      const document = { id: 'x', input, nodes: { a: { type: 'transform', output: 1 } } };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 'x', version: 3, document }));
    };
    expect((await millrace(['types', '--deployed', 'x'])).stdout).toMatch(/\/\/ x version 3, sha256 [\s\S]*"\/v1\/definitions\/x"/);
    expect((await millrace(['types', '--deployed', 'x@3'])).stdout).toContain('"/v1/definitions/x/versions/3"');
    expect((await millrace(['types', '--deployed', 'x@3', 'x'])).stderr).toBe('The definition x is given twice: leave one out.\n');
  });

  it('need a definition without errors, and say where the errors are', async () => {
    expect(await millrace(['types'])).toMatchObject({ code: 2, stderr: 'Give files of definitions, or --deployed.\n' });
    expect(await millrace(['types', file, '--check'])).toMatchObject({ code: 2 });
    expect(await millrace(['types', '--deployed', '@3'])).toMatchObject({ code: 2 });
    const broken = '{"id":"x","nodes":{"a":{"type":"task","task":"t","outputSchema":{"type":"strin"}}}}';
    const refused = await millrace(['types', '-'], {}, broken);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain('/nodes/a/outputSchema/type');
  });
});

describe('Drawing', () => {
  const file = fileURLToPath(new URL('../../examples/expense-approval/definition.json', import.meta.url));

  it('prints a definition as Mermaid or SVG, or writes it to a file', async () => {
    expect((await millrace(['draw', file])).stdout).toMatch(/^flowchart TB\n/);
    const out = join(home, 'drawing.svg');
    expect(await millrace(['draw', file, '--format', 'svg', '--out', out])).toEqual({ code: 0, stdout: '', stderr: `Drawn to ${out}.\n` });
    expect(await readFile(out, 'utf8')).toMatch(/^<svg /);
  });

  it('needs a file or an instance, and a definition without errors', async () => {
    expect(await millrace(['draw'])).toMatchObject({ code: 2, stderr: 'Give either a file or --instance, and not both.\n' });
    expect(await millrace(['draw', '-'], {}, '{"id":"x","nodes":{}}')).toMatchObject({ code: 4, stdout: '' });
  });

  it('asks the server for an instance', async () => {
    line.answer = (request, response) => response.writeHead(200, { 'content-type': 'text/vnd.mermaid' }).end(`asked ${request.url}`);
    expect((await millrace(['draw', '--instance', 'i-1'])).stdout).toBe('asked /v1/instances/i-1/drawing?format=mermaid');
  });

  it('prints the schema for editors', async () => {
    expect(JSON.parse((await millrace(['schema'])).stdout)).toMatchObject({ title: 'Millrace workflow definition' });
  });
});
