/** Why an instance waits, as REST tells it: what kind of waiting, with what belongs to it, and in which order. */

import { describe, expect, it } from 'vitest';
import type { InstanceId, TaskPath } from '../core/ids.ts';
import { openScopeAt, rootPath } from '../core/instance/state/scopes.ts';
import type { Json } from '../core/json.ts';
import { type Body, openTestApi } from './testing/test-api.ts';

const failed = { status: 'failed', error: { code: 'BROKEN', message: 'no luck' }, retryable: true, retryAfterMs: null } as const;

async function started(nodes: { readonly [name: string]: Json }, more: { readonly [name: string]: Json } = {}) {
  const api = await openTestApi();
  await api.deploy({ id: 'd', nodes, ...more });
  const id = (await api.start('d')) as InstanceId;
  const view = async () => (await api.ask('GET', `/v1/instances/${id}`)).body as Body & { readonly open: readonly Body[] };
  return Object.assign(api, {
    id,
    view,
    async open(nodeId: string | null): Promise<Body | undefined> {
      return (await view()).open.find((work) => work.nodeId === nodeId);
    },
  });
}

describe('An instance that waits', () => {
  it('for a worker says for which queue, null being that of http requests', async () => {
    const { open, id } = await started({
      work: { type: 'task', task: 'pay', queue: 'special' },
      call: { type: 'http', method: 'GET', url: 'https://rates.example' },
    });
    expect(await open('work')).toEqual({
      ...{ taskId: `${id}.work`, nodeId: 'work', status: 'scheduled', since: '2026-01-01T00:00:00.000Z', attempt: 1, lastError: null },
      waitingFor: { kind: 'worker', queue: 'special' },
    });
    expect(await open('call')).toMatchObject({ waitingFor: { kind: 'worker', queue: null } });
  });

  it('for the next attempt says until when and what went wrong, and what went wrong while that attempt is out too', async () => {
    const { open, id, engine } = await started({
      work: { type: 'task', task: 'pay', queue: 'special', retry: { maxAttempts: 3, initial: '10s', backoff: 'fixed' } },
    });
    await engine.ends(id, 'work', { ...failed, retryAfterMs: 60_000 });
    const lastError = { code: 'BROKEN', message: 'no luck' };
    expect(await open('work')).toMatchObject({
      ...{ status: 'retrying', attempt: 1, lastError },
      waitingFor: { kind: 'retry', until: '2026-01-01T00:01:00.000Z', lastError },
    });
    engine.now += 60_000;
    await engine.apply(id, { type: 'TimerFired', timerId: 'work#retry', kind: 'retry', dueAt: engine.now });
    expect(await open('work')).toMatchObject({
      ...{ status: 'scheduled', attempt: 2, since: '2026-01-01T00:00:00.000Z', lastError },
      waitingFor: { kind: 'worker', queue: 'special' },
    });
  });

  it('for a person says for whom, with the title and when it is due', async () => {
    const { open } = await started({
      look: { type: 'human', title: 'Look', assignees: { users: ['ada'], roles: ['clerk'] }, due: '2d' },
      any: { type: 'human', title: 'Whenever', assignees: { users: ['ada'] } },
    });
    const assignees = { users: ['ada'], roles: ['clerk'] };
    expect(await open('look')).toMatchObject({
      ...{ status: 'open', lastError: null },
      waitingFor: { kind: 'person', assignees, title: 'Look', dueAt: '2026-01-03T00:00:00.000Z' },
    });
    expect(await open('any')).toMatchObject({
      waitingFor: { kind: 'person', assignees: { users: ['ada'], roles: [] }, title: 'Whenever', dueAt: null },
    });
  });

  it('for a time says for which', async () => {
    const { open } = await started({ rest: { type: 'wait', for: '90m' } });
    expect(await open('rest')).toMatchObject({ status: 'open', waitingFor: { kind: 'time', until: '2026-01-01T01:30:00.000Z' } });
  });

  it('for events says for which, how many, and how many have come', async () => {
    const { open, id, engine } = await started({
      votes: { type: 'event', event: 'vote.cast', key: 'motion', count: 3 },
      either: {
        type: 'event',
        anyOf: [
          { event: 'accepted', key: 'o' },
          { event: 'declined', key: 'o' },
        ],
      },
    });
    const event = { id: 'e', type: 'vote.cast', source: 's', key: 'motion', time: null, data: null };
    await engine.apply(id, {
      type: 'EventMatched',
      path: 'votes' as TaskPath,
      attempt: 1,
      wait: 0,
      event,
      eventRowId: '1',
      whereError: null,
    });
    expect(await open('votes')).toMatchObject({
      waitingFor: { kind: 'event', events: [{ type: 'vote.cast', key: 'motion' }], received: 1, count: 3 },
    });
    const events = [
      { type: 'accepted', key: 'o' },
      { type: 'declined', key: 'o' },
    ];
    expect(await open('either')).toMatchObject({ waitingFor: { kind: 'event', events, received: 0, count: 1 } });
  });

  it('under an incident says at which node, with which code and message, and which expression failed', async () => {
    const { open, view, id } = await started({ sum: { type: 'transform', output: '${ input.missing + 1 }' } });
    const { waitingFor, ...rest } = (await open('sum')) ?? {};
    const error = { code: 'MR_EXPRESSION_FAILED', message: expect.stringContaining('missing') };
    expect(waitingFor).toEqual({ kind: 'incident', error, expression: ' input.missing + 1 ' });
    expect(rest).toEqual({
      ...{ taskId: `${id}.sum`, nodeId: 'sum', status: 'failed', attempt: 1, since: '2026-01-01T00:00:00.000Z' },
      lastError: error,
    });
    expect(await view()).toMatchObject({ status: 'incident', openCount: 1 });
  });

  it('under an incident after the last attempt has the error of the attempt, and no expression', async () => {
    const { open, id, engine } = await started({ work: { type: 'task', task: 'pay', retry: { maxAttempts: 1 } } });
    engine.now += 1_000;
    await engine.ends(id, 'work', failed);
    const error = { code: 'BROKEN', message: 'no luck' };
    expect(await open('work')).toMatchObject({
      ...{ status: 'failed', attempt: 1, since: '2026-01-01T00:00:01.000Z', lastError: error },
      waitingFor: { kind: 'incident', error, expression: null },
    });
  });

  it('because its own output could not be made names no task', async () => {
    const { open } = await started({ one: { type: 'transform', output: 1 } }, { output: '${ input.missing }' });
    expect(await open(null)).toMatchObject({
      taskId: null,
      waitingFor: { kind: 'incident', error: { code: 'MR_EXPRESSION_FAILED' }, expression: ' input.missing ' },
    });
  });
});

describe('What is open', () => {
  const reversed = <T extends object>(members: T): T => Object.fromEntries(Object.entries(members).reverse()) as T;

  it('comes with incidents first, then the oldest, in whatever order it is stored', async () => {
    const { view, id, engine } = await started(
      {
        step: { type: 'task', task: 'step' },
        frail: { type: 'task', task: 'frail', retry: { maxAttempts: 1 } },
        old: { type: 'wait', for: '9h' },
        newer: { type: 'wait', for: '1h' },
        broken: { type: 'transform', output: '${ input.missing }' },
      },
      {
        edges: [
          { from: 'step', to: 'newer' },
          { from: 'step', to: 'broken' },
        ],
      },
    );
    engine.now += 1_000;
    await engine.ends(id, 'frail', failed);
    engine.now += 1_000;
    await engine.completes(id, 'step', null);
    const names = async () => (await view()).open.map(({ nodeId }) => nodeId);
    expect(await names()).toEqual(['frail', 'broken', 'old', 'newer']);
    const { get } = engine.queries;
    engine.queries.get = async (instanceId) => {
      const found = await get(instanceId);
      if (found === null) return null;
      const root = openScopeAt(found.state, rootPath);
      const scopes = { [rootPath]: { ...root, tasks: reversed(root.tasks), incidents: reversed(root.incidents) } };
      return { ...found, state: { ...found.state, scopes } };
    };
    expect(await names()).toEqual(['frail', 'broken', 'old', 'newer']);
  });

  it('is shown up to a hundred, incidents among them, beside the count of all', async () => {
    const waits = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`n${n}`, { type: 'wait', for: '1h' }]));
    const { view } = await started({ ...waits, broken: { type: 'transform', output: '${ input.missing }' } });
    const { open, openCount } = await view();
    expect(openCount).toBe(121);
    expect(open).toHaveLength(100);
    expect(open[0]).toMatchObject({ nodeId: 'broken', waitingFor: { kind: 'incident' } });
  });
});
