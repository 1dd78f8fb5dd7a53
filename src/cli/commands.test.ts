/** What commands send, and what they print of the answer: corrections, migration, decisions of people, trees; and `validate --explain`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandAnswer, Instance, InstanceSummary, MigrationAnswer } from '../contract/index.ts';
import { type CommandLine, openCommandLine } from './testing/command-line.ts';
import { exchange, expectKnown } from './testing/exchange.ts';

let line: CommandLine;

beforeAll(async () => {
  line = await openCommandLine();
});
afterAll(async () => await line.close());

const run = async (args: readonly string[], status: number, answer: unknown) => await exchange(line, args, status, answer);

const command: CommandAnswer = { commandId: 'c-1', instanceId: 'i-1', type: 'SkipNode', status: 'applied', at: '2026-01-31T09:00:00.000Z' };

describe('A correction or a decision is sent with what was given, and its answer is told', () => {
  it.each<readonly [readonly string[], string, unknown]>([
    [
      ['set-vars', 'i-1', '--vars', '{"limit":5}', '--reason', 'too low'],
      'POST /v1/instances/i-1/set-vars',
      { vars: { limit: 5 }, reason: 'too low' },
    ],
    [
      ['complete-node', 'i-1', '--task', 'i-1.pay', '--output', '{"paid":true}', '--reason', 'paid by hand'],
      'POST /v1/instances/i-1/complete-node',
      { taskId: 'i-1.pay', output: { paid: true }, reason: 'paid by hand' },
    ],
    [['complete-node', 'i-1', '--task', 'i-1.pay'], 'POST /v1/instances/i-1/complete-node', { taskId: 'i-1.pay', output: null }],
    [
      ['skip-node', 'i-1', '--task', 'i-1.pay', '--reason', 'not needed', '--wait', '2s'],
      'POST /v1/instances/i-1/skip-node?wait=2000ms',
      { taskId: 'i-1.pay', reason: 'not needed' },
    ],
    [['rerun-node', 'i-1', '--task', 'i-1.pay', '--wait'], 'POST /v1/instances/i-1/rerun-node?wait=30000ms', { taskId: 'i-1.pay' }],
    [['migrate-instance', 'i-1'], 'POST /v1/instances/i-1/migrate', { version: 'latest' }],
    [['migrate-instance', 'i-1', '--to', '3', '--reason', 'mended'], 'POST /v1/instances/i-1/migrate', { version: 3, reason: 'mended' }],
    [
      ['delegate', 'i-1.ok', '--to', 'bob', '--as', 'ada', '--attempt', '2', '--comment', 'away'],
      'POST /v1/tasks/i-1.ok/delegate',
      { to: 'bob', assignee: 'ada', attempt: 2, comment: 'away' },
    ],
    [['comment', 'i-1.ok', '--text', 'asked them'], 'POST /v1/tasks/i-1.ok/comment', { text: 'asked them' }],
  ])('%j', async (args, request, body) => {
    const { sent, ...ended } = await run(args, 200, command);
    expect(sent).toEqual([{ request, body }]);
    sent.forEach(expectKnown);
    expect(ended).toEqual({ code: 0, stdout: 'Applied.\n', stderr: '' });
  });

  it('also when it is not applied yet, and as JSON', async () => {
    const answer: CommandAnswer = { ...command, status: 'pending', at: null };
    const args = ['skip-node', 'i-1', '--task', 'i-1.pay'];
    expect((await run(args, 202, answer)).stdout).toBe('Accepted; it is applied soon (command c-1).\n');
    expect(JSON.parse((await run([...args, '--json'], 202, answer)).stdout)).toEqual(answer);
  });

  it('reads what it sends from a file', async () => {
    const file = join(line.home, 'vars.json');
    await writeFile(file, '{"limit":7}');
    const { sent } = await run(['set-vars', 'i-1', '--vars', `@${file}`], 200, command);
    expect(sent).toEqual([{ request: 'POST /v1/instances/i-1/set-vars', body: { vars: { limit: 7 } } }]);
  });

  it.each<readonly [string, readonly string[]]>([
    ['set-vars', ['--vars', '{"limt":5}']],
    ['complete-node', ['--task', 't']],
    ['skip-node', ['--task', 't']],
    ['rerun-node', ['--task', 't']],
    ['migrate-instance', []],
    ['delegate', ['--to', 'bob']],
    ['comment', ['--text', 'x']],
  ])('%s ends with 4 and the reason where the server refuses it', async (name, options) => {
    const { sent: _, ...ended } = await run([name, 'i-1', ...options], 409, { code: 'MR_NOT_OPEN', detail: 'It has ended.' });
    expect(ended).toEqual({ code: 4, stdout: '', stderr: 'It has ended. (MR_NOT_OPEN)\n' });
  });

  it.each<readonly [readonly string[], string]>([
    [['set-vars', 'i-1'], '--vars'],
    [['set-vars', 'i-1', '--vars', '[1]'], 'The variables must be a JSON object of names and values.'],
    [['complete-node', 'i-1'], '--task'],
    [['complete-node', 'i-1', '--task', 't', '--output', '{x'], 'cannot be used as JSON'],
    [['skip-node', 'i-1'], '--task'],
    [['rerun-node', 'i-1'], '--task'],
    [['migrate-instance', 'i-1', '--to', 'newest'], 'Expected the number of a version, or latest.'],
    [['delegate', 'i-1.ok'], '--to'],
    [['comment', 'i-1.ok'], '--text'],
    [['triggers', 'fire', 'order'], "missing required argument 'trigger'"],
    [['triggers', 'pause'], "missing required argument 'definition'"],
    [['pause-queue'], "missing required argument 'queue'"],
  ])('%j is refused before anything is sent', async (args, message) => {
    const { sent, code, stderr } = await run(args, 200, command);
    expect({ sent, code }).toEqual({ sent: [], code: 2 });
    expect(stderr).toContain(message);
  });
});

describe('migrate-instance --dry-run', () => {
  const verdict: MigrationAnswer = {
    instanceId: 'i-1',
    definition: { id: 'order', version: 1 },
    toVersion: 2,
    possible: true,
    reasons: [],
    reasonCount: 0,
    skipped: ['check'],
  };
  const sent = [{ request: 'POST /v1/instances/i-1/migrate', body: { version: 2, dryRun: true } }];
  const args = ['migrate-instance', 'i-1', '--to', '2', '--dry-run'];

  it('says that the instance could move, and what it would skip', async () => {
    const ended = await run(args, 200, verdict);
    ended.sent.forEach(expectKnown);
    const stdout = 'order, version 1 to 2: possible\n  passed already, and skipped: check\n';
    expect(ended).toEqual({ code: 0, stdout, stderr: '', sent });
  });

  it('says every reason why it cannot, and ends with 4', async () => {
    const reasons = [
      { pointer: '/nodes/pay', message: 'The node "pay" is open, and there is no such node.' },
      { pointer: '', message: 'It is undoing its work.' },
    ];
    const ended = await run(args, 200, { ...verdict, possible: false, reasons, reasonCount: 7, skipped: [] });
    const stdout =
      'order, version 1 to 2: not possible\n  /nodes/pay: The node "pay" is open, and there is no such node.\n' +
      '  It is undoing its work.\n  and 5 more\n';
    expect(ended).toEqual({ code: 4, stdout, stderr: 'The instance cannot move to that version.\n', sent });
  });
});

describe('A tree of instances', () => {
  const at = { createdAt: '2026-01-31T09:00:00.000Z', updatedAt: '2026-01-31T09:00:01.000Z' };
  const parentId = '01900000-0000-7000-8000-000000000001';
  const child: InstanceSummary = {
    instanceId: '01900000-0000-7000-8000-000000000002',
    definition: { id: 'parcel', version: 1 },
    businessKey: null,
    status: 'running',
    ...at,
  };
  const parent: Instance = {
    instanceId: parentId,
    definition: { id: 'order', version: 2 },
    businessKey: 'O-17',
    parent: { kind: 'instance', instanceId: 'i-0', taskId: 'i-0.fulfil' },
    status: 'running',
    input: null,
    output: null,
    error: null,
    open: [
      {
        taskId: `${parentId}.ship`,
        nodeId: 'ship',
        status: 'open',
        waitingFor: { kind: 'child', definition: { id: 'parcel', version: null }, instanceId: child.instanceId },
        since: at.createdAt,
        attempt: 1,
        lastError: null,
      },
    ],
    openCount: 3,
    awaitedChildren: 2,
    ending: null,
    pending: [],
    ...at,
  };

  it('get names the parent, the children that have not ended, and the child that a node waits for', async () => {
    const { sent, code, stdout, stderr } = await run(['get', parentId], 200, parent);
    sent.forEach(expectKnown);
    expect({ sent, code, stderr }).toEqual({
      sent: [{ request: `GET /v1/instances/${parentId}`, body: null }],
      code: 0,
      stderr: '2 more are open.\n',
    });
    expect(stdout).toBe(
      [
        `${parentId}  running`,
        '  definition    order, version 2',
        '  business key  O-17',
        '  parent        i-0.fulfil',
        '  started       2026-01-31 09:00:00 UTC, changed 2026-01-31 09:00:01 UTC',
        `  children      2 have not ended (millrace list --parent ${parentId})`,
        '',
        stdout.split('\n')[7],
        stdout.split('\n')[8],
        '',
      ].join('\n'),
    );
    expect(stdout.split('\n')[8]?.split(/ {2,}/)).toEqual([
      ...['ship', 'open', '1', `its child ${child.instanceId} of parcel`, '2026-01-31 09:00:00', `${parentId}.ship`],
    ]);
  });

  it('get names the schedule that started an instance, one child, and a child that is still ending', async () => {
    const waitingFor = { kind: 'child', definition: { id: 'parcel', version: 1 }, instanceId: null };
    const { stdout } = await run(['get', parentId], 200, {
      ...parent,
      parent: { kind: 'schedule', scheduleId: 'report.nightly', run: 4 },
      awaitedChildren: 1,
      open: [{ ...parent.open[0], waitingFor }],
      openCount: 1,
    });
    expect(stdout).toContain('  schedule      report.nightly, run 4\n');
    expect(stdout).toContain(`  children      1 has not ended (millrace list --parent ${parentId})\n`);
    expect(stdout).toContain('an earlier child of parcel to end');
  });

  it('list --parent finds the children', async () => {
    const { sent, code, stdout } = await run(['list', '--parent', parentId], 200, { items: [child], nextCursor: null });
    sent.forEach(expectKnown);
    expect({ sent, code }).toEqual({ sent: [{ request: `GET /v1/instances?parent=${parentId}`, body: null }], code: 0 });
    expect(stdout).toMatch(new RegExp(`^${child.instanceId} +parcel@1 +– +running +2026-01-31 09:00:00 +2026-01-31 09:00:01$`, 'm'));
  });

  it('list --parent says why an id is none', async () => {
    const errors = [{ pointer: '/parent', message: 'is no id of an instance' }];
    const { code, stderr } = await run(['list', '--parent', 'x'], 400, { code: 'MR_REQUEST_INVALID', detail: 'It is wrong.', errors });
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'It is wrong. (MR_REQUEST_INVALID)\n  /parent: is no id of an instance\n' });
  });
});

describe('validate --explain', () => {
  const nodes = { greet: { type: 'task', task: 'greet', input: '${ input.name }' }, sorry: { type: 'task', task: 'sorry' } };
  const definition = { id: 'greeting', nodes, edges: [{ from: 'greet', to: 'sorry', on: 'failed' }] };
  const validate = async (document: unknown, ...options: readonly string[]) => {
    const file = join(line.home, 'definition.json');
    await writeFile(file, JSON.stringify(document));
    return await run(['validate', file, '--explain', ...options], 500, {});
  };

  it('says in sentences what each node does, what its expressions see, and what to mind', async () => {
    const { sent, code, stdout } = await validate(definition);
    expect({ sent, code }).toEqual({ sent: [], code: 0 });
    const [verdict, whole, greet, sorry] = stdout.split('\n\n');
    expect(verdict).toMatch(/definition\.json is a valid definition\.$/);
    expect(whole).toContain('An instance starts with the node "greet".\n');
    expect(greet).toMatch(/^greet\n {2}It runs at the start\.\n/);
    expect(greet).toContain('\n  When it fails: "sorry" follows.\n');
    expect(greet).toContain('\n  Its expressions see: input, instance, now.\n');
    expect(greet).toMatch(/\n {2}Mind: Not every way in which it times out has an edge/);
    expect(sorry).toMatch(/^sorry\n {2}It runs when the edge to it is taken: from "greet" when that fails\./);
    expect(sorry).toContain('\n  Its expressions see: input, instance, now, nodes.greet.\n');
  });

  it('puts them beside the verdict with --json, and has none of a definition with errors', async () => {
    const { stdout } = await validate(definition, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, explanation: { nodes: [{ nodeId: 'greet' }, { nodeId: 'sorry' }] } });
    const refused = await validate({ ...definition, edges: [{}] }, '--json');
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.stdout)).not.toHaveProperty('explanation');
  });
});
