/** What the commands about triggers and queues send, and what they print of the answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DefinitionTriggers, Queue } from '../contract/index.ts';
import { type CommandLine, openCommandLine } from './testing/command-line.ts';
import { exchange, expectKnown, type Sent } from './testing/exchange.ts';

let line: CommandLine;

beforeAll(async () => {
  line = await openCommandLine();
});
afterAll(async () => await line.close());

const run = async (args: readonly string[], status: number, answer: unknown) => await exchange(line, args, status, answer);

describe('triggers', () => {
  const definition = { id: 'report', version: 2 };
  const schedule: DefinitionTriggers['triggers'][number]['schedule'] = {
    cron: '0 6 * * *',
    timeZone: 'Europe/Berlin',
    overlap: 'queue',
    catchUp: 'last',
    nextAt: '2026-02-01T05:00:00.000Z',
    lastAt: '2026-01-31T05:00:00.000Z',
    running: { instanceId: 'i-9', time: '2026-01-31T05:00:00.000Z' },
    queued: ['2026-01-31T06:00:00.000Z'],
    recent: [],
    lastError: { time: '2026-01-30T05:00:00.000Z', reason: 'No such field.' },
  };
  const triggers: DefinitionTriggers = {
    definition,
    paused: false,
    triggers: [
      { name: 'nightly', paused: false, event: null, schedule },
      { name: '1', paused: true, event: 'report.wanted', schedule: null },
    ],
  };
  /** Cells of each line, without the head. */
  const cells = (stdout: string): readonly (readonly string[])[] =>
    stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((row) => row.split(/ {2,}/));
  const rows = [
    [
      ...['report@2', 'nightly', '0 6 * * * Europe/Berlin', 'on', '2026-02-01 05:00:00', '2026-01-31 05:00:00', 'i-9', '1'],
      '2026-01-30 05:00:00: No such field.',
    ],
    ['report@2', '1', 'report.wanted', 'paused', '–', '–', '–', '–', '–'],
  ];

  it('lists those of all definitions, by pages', async () => {
    const { sent, code, stdout, stderr } = await run(['triggers', '--limit', '1', '--cursor', 'abc'], 200, {
      items: [triggers],
      nextCursor: 'def',
    });
    sent.forEach(expectKnown);
    expect({ sent, code, stderr }).toEqual({
      sent: [{ request: 'GET /v1/triggers?limit=1&cursor=abc', body: null }],
      code: 0,
      stderr: 'More: --cursor def\n',
    });
    expect(cells(stdout)).toEqual(rows);
  });

  it('lists those of one definition, in a table or as JSON, and says that it has none', async () => {
    const args = ['triggers', '--definition', 'report'];
    const { sent, stdout } = await run([...args, '--json'], 200, triggers);
    sent.forEach(expectKnown);
    expect(sent).toEqual([{ request: 'GET /v1/definitions/report/triggers', body: null }]);
    expect(JSON.parse(stdout)).toEqual({ items: [triggers], nextCursor: null });
    expect(cells((await run(args, 200, triggers)).stdout)).toEqual(rows);
    expect(await run(args, 200, { ...triggers, triggers: [] })).toMatchObject({ code: 0, stdout: '', stderr: 'No triggers.\n' });
  });

  it.each<readonly [readonly string[], string]>([
    [['triggers', 'pause', 'report'], 'POST /v1/definitions/report/triggers/pause'],
    [['triggers', 'pause', 'report', 'nightly'], 'POST /v1/definitions/report/triggers/nightly/pause'],
    [['triggers', 'resume', 'report'], 'POST /v1/definitions/report/triggers/resume'],
    [['triggers', 'resume', 'report', '1'], 'POST /v1/definitions/report/triggers/1/resume'],
  ])('%j shows what they are then', async (args, request) => {
    const { sent, code, stdout } = await run(args, 200, triggers);
    sent.forEach(expectKnown);
    expect({ sent, code }).toEqual({ sent: [{ request, body: {} }], code: 0 });
    expect(cells(stdout)).toEqual(rows);
  });

  it.each<readonly [readonly string[], Sent]>([
    [['nightly', '--time', '2026-01-30T05:00:00Z'], { request: '', body: { time: '2026-01-30T05:00:00Z' } }],
    [['nightly', '--idempotency-key', 'k-1'], { request: '', body: {}, key: 'k-1' }],
    [['1', '--key', 'r-1', '--data', '{"day":1}'], { request: '', body: { event: { key: 'r-1', data: { day: 1 } } } }],
    [['1', '--key', 'r-1'], { request: '', body: { event: { key: 'r-1' } } }],
  ])('fire %j starts an instance', async (options, expected) => {
    const { sent, ...ended } = await run(['triggers', 'fire', 'report', ...options], 201, { instanceId: 'i-3', definition });
    sent.forEach(expectKnown);
    expect(sent).toEqual([{ ...expected, request: `POST /v1/definitions/report/triggers/${options[0]}/fire` }]);
    expect(ended).toEqual({ code: 0, stdout: 'Started i-3.\n', stderr: '' });
  });

  it.each(['pause', 'resume', 'fire'])('%s ends with 3 where there is no such trigger', async (action) => {
    const answer = { code: 'MR_NOT_FOUND', detail: 'There is no trigger "x".' };
    const { code, stdout, stderr } = await run(['triggers', action, 'report', 'x'], 404, answer);
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: '', stderr: 'There is no trigger "x". (MR_NOT_FOUND)\n' });
  });
});

describe('queues', () => {
  const on: Queue = { queue: 'handlers', paused: null };
  const off: Queue = {
    queue: 'http',
    paused: { by: 'ada', at: '2026-01-31T09:00:00.000Z', reason: 'the bank is down', message: 'The queue http is paused.' },
  };
  const onRow = /^handlers +running +– +– +–$/m;
  const offRow = /^http +paused +ada +2026-01-31 09:00:00 +the bank is down$/m;

  it('lists them, in a table or as JSON', async () => {
    const { sent, stdout } = await run(['queues'], 200, { items: [on, off] });
    sent.forEach(expectKnown);
    expect(sent).toEqual([{ request: 'GET /v1/queues', body: null }]);
    expect(stdout).toMatch(onRow);
    expect(stdout).toMatch(offRow);
    expect(JSON.parse((await run(['queues', '--json'], 200, { items: [on] })).stdout)).toEqual({ items: [on] });
    expect(await run(['queues'], 200, { items: [] })).toMatchObject({ code: 0, stdout: '', stderr: 'No queues.\n' });
  });

  it.each<readonly [readonly string[], Sent, Queue, RegExp]>([
    [
      ['pause-queue', 'http', '--reason', 'the bank is down'],
      { request: 'POST /v1/queues/http/pause', body: { reason: 'the bank is down' } },
      off,
      offRow,
    ],
    [['pause-queue', 'http'], { request: 'POST /v1/queues/http/pause', body: {} }, off, offRow],
    [['resume-queue', 'handlers'], { request: 'POST /v1/queues/handlers/resume', body: {} }, on, onRow],
  ])('%j shows what it is then', async (args, expected, answer, row) => {
    const { sent, code, stdout } = await run(args, 200, answer);
    sent.forEach(expectKnown);
    expect({ sent, code }).toEqual({ sent: [expected], code: 0 });
    expect(stdout).toMatch(row);
    expect(JSON.parse((await run([...args, '--json'], 200, answer)).stdout)).toEqual(answer);
  });

  it.each(['pause-queue', 'resume-queue'])('%s ends with 3 where no definition names it', async (name) => {
    const { code, stderr } = await run([name, 'x'], 404, { code: 'MR_NOT_FOUND', detail: 'There is no queue "x".' });
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'There is no queue "x". (MR_NOT_FOUND)\n' });
  });
});
