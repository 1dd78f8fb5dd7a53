/** What every store must show when it is searched and paged; what a single instance shows is in the contract of instance stores. */
import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import { taskAt } from '../../src/core/instance/state/scopes.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Page } from '../../src/store/definition-store.ts';
import type { InstanceQueries, InstanceView } from '../../src/store/instance-queries.ts';
import { listedBytesMax } from '../../src/store/page-limits.ts';
import { definitionOf } from '../support/scenario.ts';
import { commandOf, newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testInstanceQueries(factory: () => Promise<StoreUnderTest>): void {
  let queries: InstanceQueries;
  let lab: StoreLab;

  beforeAll(async () => {
    lab = await openLab(await factory());
    queries = lab.queries;
  });

  async function all<Item>(read: (cursor: string | null) => Promise<Page<Item>>, pageMax: number): Promise<readonly Item[]> {
    const items: Item[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<Item> = await read(cursor);
      expect(page.items.length).toBeLessThanOrEqual(pageMax);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  }

  const task = { type: 'task', task: 'work', queue: 'slow', input: { n: '${ input.n }' } };
  const human = (assignees: { readonly users?: readonly string[]; readonly roles?: readonly string[] }, due?: string) => ({
    ...{ type: 'human', title: 'Look at ${ input.n }', assignees },
    ...(due === undefined ? {} : { due }),
  });

  describe('list', () => {
    it('finds instances by each of their marks, newest first, page by page', async () => {
      const definition = newDefinition({ nodes: { work: task }, edges: [] });
      const ids: InstanceId[] = [];
      for (let n = 0; n < 7; n++) ids.push(await lab.start(definition, { n }, { businessKey: n % 2 === 0 ? 'even' : 'odd' }));
      await lab.completes(definition, ids[1] ?? ('' as InstanceId), 'work', 1);
      const newest = ids.toReversed();
      const find = async (filter: Parameters<InstanceQueries['list']>[0]) =>
        (await all((cursor) => queries.list({ definition: definition.id, ...filter }, 3, cursor), 3)).map(({ instanceId }) => instanceId);
      expect(await find({})).toEqual(newest);
      expect(await find({ businessKey: 'odd' })).toEqual([ids[5], ids[3], ids[1]]);
      expect(await find({ status: 'completed' })).toEqual([ids[1]]);
      expect(await find({ status: 'running', businessKey: 'odd' })).toEqual([ids[5], ids[3]]);
      expect(await find({ version: 1 })).toEqual(newest);
      expect(await find({ version: 2 })).toEqual([]);
      expect(await find({ parent: uuidv7() as InstanceId })).toEqual([]);
      const unknown = uuidv7() as InstanceId;
      expect(await queries.versionsOf([...ids.slice(0, 2), unknown])).toEqual(new Map(ids.slice(0, 2).map((id, n) => [id, n + 1])));
      const { items } = await queries.list({ definition: definition.id }, 1, null);
      expect(items).toMatchObject([
        { instanceId: newest[0], definitionId: definition.id, definitionVersion: 1, businessKey: 'even', status: 'running' },
      ]);
      const at = items[0]?.createdAt ?? 0;
      expect(await find({ startedFrom: at })).toContain(newest[0]);
      expect(await find({ startedFrom: at + 1 })).not.toContain(newest[0]);
      expect(await find({ startedTo: at })).not.toContain(newest[0]);
      expect(await find({ startedTo: at + 1 })).toContain(newest[0]);
      expect(await find({ startedFrom: 0, startedTo: 4_102_444_800_000 })).toEqual(newest);
    });

    it('tells instances that retry from those that run', async () => {
      const definition = newDefinition({ nodes: { work: task, other: task }, edges: [] });
      const ids: InstanceId[] = [];
      for (let n = 0; n < 5; n++) ids.push(await lab.start(definition, { n }));
      const [paused, once, twice, over, runs] = ids as [InstanceId, InstanceId, InstanceId, InstanceId, InstanceId];
      const find = async (filter: Parameters<InstanceQueries['list']>[0]) =>
        (await all((cursor) => queries.list({ definition: definition.id, ...filter }, 1, cursor), 1)).map(({ instanceId }) => instanceId);
      for (const id of [paused, once, twice, over]) await lab.fails(definition, id, 'work');
      await lab.fails(definition, twice, 'other');
      await lab.fails(definition, runs, 'work', false);
      expect(await find({ retrying: true })).toEqual([over, twice, once, paused]);
      const { commandId } = commandOf(paused, 'pause');
      await lab.step(definition, paused, { type: 'CommandIssued', commandId, by: 'ada', command: { type: 'pause' } });
      const timer = (await lab.stateOf(over)).timers['work#retry'];
      if (timer?.state !== 'armed') throw new Error('no retry is armed');
      await lab.step(definition, over, { type: 'TimerFired', timerId: 'work#retry', kind: 'retry', dueAt: timer.dueAt });
      expect(await find({ retrying: true })).toEqual([twice, once]);
      expect(await find({ retrying: false })).toEqual([runs, over, paused]);
      expect(await find({ retrying: true, status: 'running' })).toEqual([twice, once]);
      expect(await find({ retrying: true, status: 'incident' })).toEqual([]);
      expect(await find({ retrying: false, status: 'incident' })).toEqual([runs]);
      await lab.completes(definition, over, 'work');
      expect(await find({ retrying: true, startedFrom: 0 })).toEqual([twice, once]);
    });

    it('keeps a page stable while instances are started', async () => {
      const definition = newDefinition({ nodes: { work: task }, edges: [] });
      const ids: InstanceId[] = [];
      for (let n = 0; n < 4; n++) ids.push(await lab.start(definition, { n }));
      const first = await queries.list({ definition: definition.id }, 2, null);
      await lab.start(definition, { n: 5 });
      const second = await queries.list({ definition: definition.id }, 2, first.nextCursor);
      expect([...first.items, ...second.items].map(({ instanceId }) => instanceId)).toEqual(ids.toReversed());
      expect(second.nextCursor).toBeNull();
    });

    it('refuses cursors that are none', async () => {
      const lists = [
        (cursor: string) => queries.list({}, 1, cursor),
        (cursor: string) => queries.tasks(uuidv7() as InstanceId, 1, cursor),
        (cursor: string) => queries.inbox({}, 1, cursor),
        (cursor: string) => queries.deadLetters('open', 1, cursor),
      ];
      const wrong = [
        'x',
        '',
        '"',
        Buffer.from('["instances","1; DROP TABLE instance"]').toString('base64url'),
        Buffer.from('["tasks","1"]').toString('base64url'),
      ];
      for (const list of lists)
        for (const cursor of wrong) await expect(list(cursor)).rejects.toMatchObject({ code: 'MR_CURSOR_INVALID', retryable: false });
    });

    it('shows the version that an instance has moved to, with its open tasks of people', async () => {
      const nodes = { look: { type: 'human', title: 'Look', assignees: { users: ['ada'] } } };
      const definition = newDefinition({ nodes, edges: [] });
      const [moved, stayed] = [await lab.start(definition), await lab.start(definition)];
      const target = definitionOf({ ...(definition.document as JsonObject), title: 'another' }, 2);
      expect(await lab.migrate(definition, moved, target)).toMatchObject({ definitionVersion: 2, isMigrated: true });
      expect(await queries.find(moved)).toMatchObject({ row: { definitionVersion: 2 } });
      expect(await queries.inboxTask(moved, 'look' as TaskPath)).toMatchObject({ definitionVersion: 2, assignees: { users: ['ada'] } });
      expect(await queries.inboxTask(stayed, 'look' as TaskPath)).toMatchObject({ definitionVersion: 1 });
      expect(await queries.runningByVersion(definition.id)).toEqual([
        { version: 2, running: 1 },
        { version: 1, running: 1 },
      ]);
    });

    it('counts what runs on which version', async () => {
      const definition = newDefinition({ nodes: { work: task }, edges: [] });
      const [one, two] = [await lab.start(definition, { n: 1 }), await lab.start(definition, { n: 2 })];
      await lab.step(definition, one, {
        type: 'CommandIssued',
        commandId: commandOf(one, 'pause').commandId,
        by: 'ada',
        command: { type: 'pause' },
      });
      expect(await queries.runningByVersion(definition.id)).toEqual([{ version: 1, running: 2 }]);
      await lab.completes(definition, two, 'work');
      expect(await queries.runningByVersion(definition.id)).toEqual([{ version: 1, running: 1 }]);
      expect(await queries.runningByVersion('nobody')).toEqual([]);
    });
  });

  describe('one instance', () => {
    it('is null when it is not there', async () => {
      const id = uuidv7() as InstanceId;
      expect(await queries.get(id)).toBeNull();
      expect(await queries.history(id, 0, 10)).toEqual({ entries: [], hasMore: false });
      expect(await queries.fullHistory(id)).toEqual([]);
      expect(await queries.tasks(id, 10, null)).toEqual({ items: [], nextCursor: null });
      expect(await queries.task(id, 'work' as TaskPath)).toBeNull();
      expect(await queries.inboxTask(id, 'work' as TaskPath)).toBeNull();
    });

    it('shows its tasks, newest first, with what went in and came out', async () => {
      const names = Array.from({ length: 5 }, (_, n) => `n${n}`);
      const definition = newDefinition({
        nodes: {
          ...Object.fromEntries(names.map((name) => [name, task])),
          ask: human({ users: ['ada'] }),
          done: { type: 'transform', output: 1 },
        },
        edges: [{ from: 'n0', to: 'done' }],
      });
      const id = await lab.start(definition, { n: 7 });
      await lab.completes(definition, id, 'n0', { answer: 'yes' });
      await lab.fails(definition, id, 'n1');
      const tasks = await all((cursor) => queries.tasks(id, 2, cursor), 2);
      expect(tasks.map(({ path }) => path).sort()).toEqual(['ask', 'done', ...names]);
      expect(tasks.map(({ openedAt }) => openedAt)).toEqual(tasks.map(({ openedAt }) => openedAt).toSorted((a, b) => b - a));
      expect(await queries.task(id, 'n0' as TaskPath)).toMatchObject({
        ...{ taskId: `${id}.n0`, instanceId: id, nodeId: 'n0', type: 'task', queue: 'slow', status: 'completed', attempt: 1 },
        ...{ input: { n: 7 }, output: { answer: 'yes' }, error: null },
      });
      expect(await queries.task(id, 'n1' as TaskPath)).toMatchObject({
        status: 'retrying',
        input: { n: 7 },
        output: null,
        error: { code: 'BROKEN' },
      });
      expect(await queries.task(id, 'ask' as TaskPath)).toMatchObject({ type: 'human', status: 'open', queue: null });
      expect(await queries.task(id, 'done' as TaskPath)).toMatchObject({ type: 'transform', output: 1 });
    });

    it('is found by its row and the number of its last entry', async () => {
      const definition = newDefinition({ nodes: { work: task }, edges: [] });
      const id = await lab.start(definition, { n: 7 });
      const state = await lab.stateOf(id);
      expect(await queries.find(id)).toEqual({ row: (await queries.get(id))?.row, seq: state.seq });
      expect(await queries.find(uuidv7() as InstanceId)).toBeNull();
    });

    it('is shown with its own input and output, and with how many items a loop has; whole, it has all of them', async () => {
      const loop = { type: 'forEach', items: '${ input.items }', body: { nodes: { each: { type: 'task', task: 'work' } } } };
      const definition = newDefinition({ nodes: { loop, work: task }, edges: [] });
      const id = await lab.start(definition, { n: 7, items: ['a', 'b', 'c'] });
      await lab.completes(definition, id, 'work', { answer: 'yes' });
      const itemsIn = (view: InstanceView | null) => {
        const found = view === null ? undefined : taskAt(view.state, 'loop' as TaskPath);
        return found?.type === 'forEach' && found.status === 'open' ? found.items : null;
      };
      const shown = await queries.get(id);
      expect([shown?.state.input, itemsIn(shown)?.length]).toEqual([{ n: 7, items: ['a', 'b', 'c'] }, 3]);
      const whole = await queries.getWhole(id);
      expect(itemsIn(whole)).toEqual(['a', 'b', 'c']);
      expect(whole?.state).toEqual((await lab.stored(id)).state);
    });

    it('has what is large of a task by its path, and not in lists', async () => {
      const definition = newDefinition({ nodes: { large: task, small: task }, edges: [] });
      const id = await lab.start(definition, { n: 'x'.repeat(listedBytesMax) });
      const [text, short] = ['y'.repeat(listedBytesMax), 'z'.repeat(listedBytesMax - 2)];
      await lab.completes(definition, id, 'large', text);
      await lab.completes(definition, id, 'small', short);
      const items = new Map((await queries.tasks(id, 10, null)).items.map((each) => [String(each.path), each]));
      expect(items.get('large')).toMatchObject({ status: 'completed', input: null, output: null, omitted: ['input', 'output'] });
      expect(items.get('small')).toMatchObject({ status: 'completed', input: null, output: short, omitted: ['input'] });
      expect(await queries.task(id, 'large' as TaskPath)).toMatchObject({
        input: { n: 'x'.repeat(listedBytesMax) },
        output: text,
        omitted: [],
      });
    });

    it('shows the title, the assignees, the due time and who completed it of a human task, also after it ended', async () => {
      const definition = newDefinition({
        nodes: { look: human({ users: ['ada'] }, '2d'), ask: human({ users: ['ada'] }), work: task },
        edges: [],
      });
      const [id, other] = [await lab.start(definition, { n: 1 }), await lab.start(definition, { n: 2 })];
      const look = 'look' as TaskPath;
      await lab.store.claim(id, look, 'ada');
      await lab.store.claim(other, look, 'bob');
      const shown = async () => {
        const { items } = await queries.tasks(id, 10, null);
        for (const each of items) expect(await queries.task(id, each.path)).toEqual(each);
        return Object.fromEntries(items.map(({ path, status, assignee, human: record }) => [path, { status, assignee, human: record }]));
      };
      const state = (await lab.stateOf(id)).tasks[look];
      const dueAt = state?.type === 'human' && state.status === 'open' ? state.dueAt : null;
      expect(dueAt).toBeGreaterThan(Date.now());
      const assignees = { users: ['ada'], roles: [] };
      const record = { title: 'Look at 1', assignees, dueAt, completedBy: null };
      const rest = {
        ask: { status: 'open', assignee: null, human: { ...record, dueAt: null } },
        work: { status: 'scheduled', assignee: null, human: null },
      };
      expect(await shown()).toEqual({ look: { status: 'open', assignee: 'ada', human: record }, ...rest });
      const command = commandOf(id, 'completeTask', 'look');
      await lab.store.issueCommand(command);
      expect(await shown()).toEqual({ look: { status: 'open', assignee: 'ada', human: record }, ...rest });
      await lab.step(definition, id, {
        type: 'CommandIssued',
        commandId: command.commandId,
        by: 'ada',
        command: { type: 'completeTask', path: look, attempt: 1, output: null },
      });
      expect(await shown()).toEqual({
        look: { status: 'completed', assignee: null, human: { ...record, completedBy: 'ada', endedAt: expect.any(Number) } },
        ...rest,
      });
    });
  });

  describe('the inbox', () => {
    it('finds tasks by person, role, due time, instance and definition', async () => {
      const definition = newDefinition({
        nodes: {
          mine: human({ users: ['inbox-ada'] }),
          ours: human({ roles: ['inbox-team', 'it"s'] }, '1h'),
          anybody: human({ users: ['inbox-bob', 'inbox-ada'] }, '3d'),
        },
        edges: [],
      });
      const [one, two] = [await lab.start(definition, { n: 1 }, { businessKey: 'b' }), await lab.start(definition, { n: 2 })];
      const find = async (filter: Parameters<InstanceQueries['inbox']>[0]) =>
        (await all((cursor) => queries.inbox(filter, 2, cursor), 2)).map(({ instanceId, path }) => `${instanceId === one ? 1 : 2}.${path}`);
      const newest = (...found: string[]) => expect.arrayContaining(found) as string[];
      expect(await find({ definition: definition.id })).toEqual(newest('1.mine', '1.ours', '1.anybody', '2.mine', '2.ours', '2.anybody'));
      expect(await find({ assignee: 'inbox-ada' })).toEqual(newest('1.mine', '1.anybody', '2.mine', '2.anybody'));
      expect(await find({ assignee: 'inbox-bob', instanceId: two })).toEqual(['2.anybody']);
      expect(await find({ role: 'it"s' })).toEqual(['2.ours', '1.ours']);
      expect(await find({ dueBefore: Date.now() + 2 * 3_600_000, definition: definition.id })).toEqual(['2.ours', '1.ours']);
      await lab.store.claim(one, 'ours' as TaskPath, 'inbox-zoe');
      expect(await find({ assignee: 'inbox-zoe' })).toEqual(['1.ours']);
      expect(await queries.inboxTask(one, 'ours' as TaskPath)).toMatchObject({
        ...{
          taskId: `${one}.ours`,
          nodeId: 'ours',
          definitionId: definition.id,
          definitionVersion: 1,
          businessKey: 'b',
          title: 'Look at 1',
        },
        ...{ assignees: { users: [], roles: ['inbox-team', 'it"s'] }, assignee: 'inbox-zoe' },
      });
      await lab.store.issueCommand(commandOf(two, 'completeTask', 'ours'));
      expect(await find({ role: 'it"s' })).toEqual(['1.ours']);
    });

    it('leaves out what a person has voted on, may not decide or another one has claimed, and says what to do next', async () => {
      const decided = { ...human({ roles: ['vote-team'] }), approvals: { atLeast: 2, notBy: ['vote-eve'] } };
      const definition = newDefinition({
        nodes: { vote: decided, soon: human({ users: ['vote-ada'] }, '1d'), late: human({ users: ['vote-ada'] }, '2d') },
        edges: [],
      });
      const id = await lab.start(definition, { n: 1 });
      const mine = async (person: string) => {
        const { items } = await queries.inbox({ mine: { person, roles: ['vote-team'] } }, 10, null);
        return items.map(({ path }) => path).sort();
      };
      const next = async (person: string) => (await queries.nextTask({ person, roles: ['vote-team'] }))?.path ?? null;
      expect([await mine('vote-ada'), await mine('vote-bob'), await mine('vote-eve')]).toEqual([['late', 'soon', 'vote'], ['vote'], []]);
      expect([await next('vote-ada'), await next('vote-bob'), await next('vote-eve')]).toEqual(['soon', 'vote', null]);
      const command = commandOf(id, 'voteTask', 'vote', 'vote-ada');
      expect(await lab.store.issueCommand(command)).toBe(true);
      expect(await lab.store.issueCommand(commandOf(id, 'voteTask', 'vote', 'vote-ada'))).toBe(false);
      expect(await mine('vote-ada')).toEqual(['late', 'soon']);
      const at = { path: 'vote' as TaskPath, attempt: 1 };
      const by = 'vote-ada';
      await lab.step(definition, id, {
        ...{ type: 'CommandIssued', commandId: command.commandId, by },
        command: { ...at, type: 'voteTask', output: {}, comment: 'fine' },
      });
      expect(await queries.inboxTask(id, at.path)).toMatchObject({
        approvals: { atLeast: 2, of: null },
        ...{ voters: [by], excluded: ['vote-eve'] },
      });
      expect((await queries.task(id, at.path))?.human).toMatchObject({ votes: [{ by, outcome: null, comment: 'fine' }] });
      expect([await mine(by), await mine('vote-bob')]).toEqual([['late', 'soon'], ['vote']]);
      await lab.store.claim(id, 'late' as TaskPath, by);
      expect(await next(by)).toBe('late');
      await lab.store.claim(id, at.path, 'vote-bob');
      expect([await mine('vote-bob'), await mine('vote-cleo')]).toEqual([['vote'], []]);
      const delegation = { ...at, type: 'delegateTask', to: 'vote-dan', comment: null } as const;
      await lab.step(definition, id, {
        type: 'CommandIssued',
        commandId: commandOf(id, 'delegateTask', 'vote').commandId,
        by,
        command: delegation,
      });
      expect(await queries.inboxTask(id, at.path)).toMatchObject({
        assignees: { users: ['vote-dan'], roles: ['vote-team'] },
        voters: [by],
      });
    });

    it('follows an escalation', async () => {
      const definition = newDefinition({
        nodes: { look: { ...human({ users: ['esc-ada'] }), escalate: { after: '1h', to: { roles: ['esc-boss'] } } } },
        edges: [],
      });
      const id = await lab.start(definition, { n: 1 });
      const timer = (await lab.stateOf(id)).timers['look#escalation'];
      if (timer?.state !== 'armed') throw new Error('no escalation is armed');
      await lab.step(definition, id, { type: 'TimerFired', timerId: 'look#escalation', kind: 'escalation', dueAt: timer.dueAt });
      expect((await queries.inbox({ assignee: 'esc-ada' }, 10, null)).items).toEqual([]);
      expect((await queries.inbox({ role: 'esc-boss' }, 10, null)).items).toMatchObject([{ instanceId: id }]);
    });
  });

  describe('instanceIds', () => {
    it('walks through all of them in order', async () => {
      const ids: InstanceId[] = [];
      let after: InstanceId | null = null;
      for (;;) {
        const page: readonly InstanceId[] = await queries.instanceIds(after, 4);
        if (page.length === 0) break;
        ids.push(...page);
        after = page.at(-1) ?? null;
      }
      expect(ids).toEqual(ids.toSorted());
      expect(ids.length).toBeGreaterThan(10);
      expect(new Set(ids).size).toBe(ids.length);
    });
  });
}
