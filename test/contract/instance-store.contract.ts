/** What every instance store must do. `test/integration/instance-store.test.ts` runs it on Postgres. */

import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DueTimer } from '../../src/core/due-timer.ts';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import type { NewDeadLetter, OpenTasksPage, OpenTasksPosition } from '../../src/store/instance-store.ts';
import { listedBytesMax } from '../../src/store/page-limits.ts';
import { eventually } from '../support/eventually.ts';
import {
  commandOf,
  eventOf,
  httpNode,
  matcher,
  message,
  newDefinition,
  ofTimer,
  openLab,
  PARTITIONS,
  type StoreLab,
  type StoreUnderTest,
  topics,
} from '../support/store-lab.ts';
import { testTransitions } from './transitions.contract.ts';

const person = (title = 'Look') => ({ type: 'human', title, assignees: { users: ['ada'], roles: ['manager'] } });
const onePerson = () => newDefinition({ nodes: { look: person() }, edges: [] });
const path = (text: string) => text as TaskPath;

/** @param factory called once; the store may hold what other tests wrote. */
export function testInstanceStore(factory: () => Promise<StoreUnderTest>): void {
  let lab: StoreLab;

  beforeAll(async () => {
    lab = await openLab(await factory());
  });

  testTransitions(() => lab);

  describe('timers', () => {
    it('fires each timer once when it is due, however many ask, and says when the next one is', async () => {
      const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1ms' }, long: { type: 'wait', for: '1h' } }, edges: [] });
      const ids = await Promise.all(Array.from({ length: 30 }, () => lab.start(definition)));
      const fired: DueTimer[] = [];
      const ask = async (): Promise<void> => {
        for (;;) {
          const result = await lab.store.fireTimers(
            7,
            (timer) => {
              fired.push(timer);
              return ofTimer(timer);
            },
            0,
          );
          if (result.nextDueAt !== null && result.fired < 7) expect(result.nextDueAt).toBeGreaterThan(result.now - 1);
          if (result.fired === 0) return;
        }
      };
      await Promise.all([ask(), ask(), ask()]);
      const firedOfOurs = () => fired.filter(({ instanceId }) => ids.includes(instanceId));
      await eventually(async () => {
        await ask();
        expect(firedOfOurs().length).toBeGreaterThanOrEqual(ids.length);
      });
      const ours = firedOfOurs();
      expect(ours.map(({ instanceId }) => instanceId).sort()).toEqual([...ids].sort());
      for (const id of ids) {
        const state = await lab.stateOf(id);
        const [timer] = ours.filter(({ instanceId }) => instanceId === id);
        expect(timer).toMatchObject({
          timerId: 'nap#wait',
          kind: 'wait',
          path: 'nap',
          attempt: 1,
          dueAt: state.tasks[path('nap')]?.status === 'open' ? (state.timers['nap#wait'] as { dueAt?: number }).dueAt : null,
        });
        const messages = (await lab.sent(id)).filter(({ type }) => type === 'TimerFired');
        expect(messages).toHaveLength(1);
      }
    });

    it('holds the timeout of a wait back until the events before it are correlated, and no other timer', async () => {
      const type = `lab.late.${uuidv7()}`;
      await lab.store.registerEventTypes([type]);
      const hear = { type: 'event', event: type, key: 'k', timeout: '1ms' };
      const look = { type: 'human', title: 'look', assignees: { users: ['ada'] }, timeout: '1ms' };
      const definition = newDefinition({ nodes: { hear, look }, edges: [] });
      const id = await lab.start(definition);
      const sent = async () => (await lab.sent(id)).map((message) => message.type).filter((each) => each !== 'InstanceChanged');
      await eventually(async () => {
        expect((await lab.store.fireTimers(1_000, ofTimer, 0)).held).toBe(true);
        expect(await sent()).toEqual(['TimerFired']);
      });
      // It came before the deadline, and is read late.
      expect(await lab.store.correlate([eventOf(type, 'k')], matcher)).toMatchObject({ matched: 1 });
      await lab.store.fireTimers(1_000, ofTimer, await lab.store.now());
      expect(await sent()).toEqual(['TimerFired', 'EventMatched', 'TimerFired']);
    });

    it('forgets a timer that a pause stopped, and fires it after the resume', async () => {
      const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1ms' } }, edges: [] });
      const id = await lab.start(definition);
      const control = (type: 'pause' | 'resume') =>
        ({ type: 'CommandIssued', commandId: commandOf(id, type).commandId, by: 'ada', command: { type } }) as const;
      await lab.step(definition, id, control('pause'));
      const fire = async () => {
        await lab.store.fireTimers(1_000, ofTimer, 0);
        return (await lab.sent(id)).filter(({ type }) => type === 'TimerFired');
      };
      expect(await fire()).toHaveLength(0);
      await lab.step(definition, id, control('resume'));
      await eventually(async () => expect(await fire()).toHaveLength(1));
      expect(await fire()).toHaveLength(1);
    });
  });

  describe('commands', () => {
    it('lets one of many completions of a task through, whoever asks at the same moment', async () => {
      const definition = onePerson();
      const id = await lab.start(definition);
      const commands = Array.from({ length: 12 }, (_, index) =>
        commandOf(id, index % 2 === 0 ? 'completeTask' : 'failTask', 'look', `p${index}`),
      );
      const accepted = await Promise.all(commands.map((command) => lab.store.issueCommand(command)));
      expect(accepted.filter(Boolean)).toHaveLength(1);
      expect((await lab.sent(id)).filter(({ type }) => type === 'CommandIssued')).toHaveLength(1);
      const [winner] = commands.filter((_, index) => accepted[index]);
      expect((await lab.queries.get(id))?.pending).toMatchObject([
        { commandId: winner?.commandId, type: winner?.type, path: 'look', by: winner?.by },
      ]);
      // Whoever just acted does not see it in the inbox.
      expect(await lab.queries.inboxTask(id, path('look'))).toBeNull();
      // Its answer may have got lost.
      if (winner !== undefined) expect(await lab.store.issueCommand(winner)).toBe(true);
      expect((await lab.sent(id)).filter(({ type }) => type === 'CommandIssued')).toHaveLength(1);
    });

    it('takes the completion of the attempt that is open, and of no other', async () => {
      const id = await lab.start(onePerson());
      expect(await lab.queries.inboxTask(id, path('look'))).toMatchObject({ attempt: 1 });
      expect(await lab.store.issueCommand({ ...commandOf(id, 'completeTask', 'look'), attempt: 2 })).toBe(false);
      expect(await lab.store.issueCommand({ ...commandOf(id, 'completeTask', 'look'), attempt: 1 })).toBe(true);
    });

    it('frees the task when the orchestrator refuses the command, and closes it for good when it applies one', async () => {
      const definition = onePerson();
      const id = await lab.start(definition);
      const refused = commandOf(id, 'completeTask', 'look');
      expect(await lab.store.issueCommand(refused)).toBe(true);
      const nothing = await lab.decide(definition, id);
      await lab.apply({
        ...nothing,
        history: [],
        messages: [],
        effects: [{ type: 'commandRefused', commandId: refused.commandId, code: 'MR_X', reason: 'Not now.' }],
      });
      expect(await lab.queries.inboxTask(id, path('look'))).not.toBeNull();
      const good = commandOf(id, 'completeTask', 'look');
      expect(await lab.store.issueCommand(good)).toBe(true);
      const state = await lab.step(definition, id, {
        type: 'CommandIssued',
        commandId: good.commandId,
        by: 'ada',
        command: { type: 'completeTask', path: path('look'), attempt: 1, output: { ok: true } },
      });
      expect(state.phase).toBe('completed');
      expect(await lab.store.commandResult(good.commandId)).toMatchObject({ status: 'applied' });
      expect(await lab.store.issueCommand(commandOf(id, 'completeTask', 'look'))).toBe(false);
      expect((await lab.queries.get(id))?.pending).toEqual([]);
    });

    it('never refuses the second of two other commands', async () => {
      const id = await lab.start(onePerson());
      expect(await Promise.all(['pause', 'pause', 'cancel'].map((type) => lab.store.issueCommand(commandOf(id, type as 'pause'))))).toEqual(
        [true, true, true],
      );
      expect((await lab.queries.get(id))?.pending).toHaveLength(3);
      expect(await lab.store.commandResult(commandOf(id, 'pause').commandId)).toBeNull();
    });
  });

  describe('claims', () => {
    it('gives a task to the first who claims it, and to the next when it is given back', async () => {
      const id = await lab.start(onePerson());
      const results = await Promise.all(['ada', 'bob', 'eve'].map((who) => lab.store.claim(id, path('look'), who)));
      expect(results.filter((result) => result?.won)).toHaveLength(1);
      const holder = results.find((result) => result?.won)?.assignee ?? '';
      expect(new Set(results.map((result) => result?.assignee))).toEqual(new Set([holder]));
      expect((await lab.queries.inboxTask(id, path('look')))?.assignee).toBe(holder);
      expect(await lab.store.claim(id, path('look'), holder)).toEqual({ assignee: holder, won: false });
      expect(await lab.store.unclaim(id, path('look'), 'nobody')).toBe(false);
      expect(await lab.store.unclaim(id, path('look'), holder)).toBe(true);
      expect(await lab.store.claim(id, path('look'), 'zoe')).toEqual({ assignee: 'zoe', won: true });
      expect(await lab.store.unclaim(id, path('look'), null)).toBe(true);
      expect(await lab.store.unclaim(id, path('look'), null)).toBe(false);
    });

    it('gives nobody a task that is not open', async () => {
      const definition = onePerson();
      const id = await lab.start(definition);
      await lab.store.claim(id, path('look'), 'ada');
      await lab.step(definition, id, {
        type: 'CommandIssued',
        commandId: commandOf(id, 'cancel').commandId,
        by: 'ada',
        command: { type: 'cancel', reason: null },
      });
      expect(await lab.store.claim(id, path('look'), 'bob')).toBeNull();
      expect(await lab.store.unclaim(id, path('look'), null)).toBe(false);
      expect(await lab.store.claim(uuidv7() as InstanceId, path('look'), 'bob')).toBeNull();
    });
  });

  describe('publish', () => {
    it('refuses a topic that nobody made, and all that came with it', async () => {
      const id = uuidv7();
      const messages = [message('ExternalEvent', topics.events, id, { n: 1 }), message('ExternalEvent', 'lab.unheard', id, { n: 2 })];
      await expect(lab.store.publish(messages)).rejects.toMatchObject({ code: 'MR_OUTBOX_TOPIC_UNKNOWN', retryable: false });
      expect(await lab.sent(id)).toEqual([]);
      await lab.store.publish(messages.slice(0, 1));
      expect(await lab.sent(id)).toMatchObject([{ topic: topics.events, partition: null, payload: { n: 1 } }]);
    });
  });

  describe('dead letters', () => {
    it('keeps each letter once, with its bytes, until somebody closes it', async () => {
      const offset = BigInt(Date.now()) * 1_000n;
      const deadLetters = Array.from(
        { length: 5 },
        (_, index): NewDeadLetter => ({
          ...{
            partition: 3,
            offset: String(offset + BigInt(index)),
            code: 'MR_UNFRAMED',
            reason: 'It is no Avro.\0',
            instanceId: null,
            at: Date.now(),
            omitted: index === 1 ? 'value' : null,
          },
          original: {
            ...{
              topic: 'lab.events',
              partition: 1,
              offset: String(index),
              key: index === 0 ? null : Buffer.from([0, 255]),
              value: index === 1 ? null : Buffer.from([1, 2, 0]),
            },
            headers: [{ key: 'h', value: Buffer.from([0xff, 0]) }],
          },
        }),
      );
      await lab.store.saveDeadLetters(deadLetters);
      await Promise.all([lab.store.saveDeadLetters(deadLetters.toReversed()), lab.store.saveDeadLetters(deadLetters)]);
      const first = await lab.queries.deadLetters('open', 3, null);
      const second = await lab.queries.deadLetters('open', 3, first.nextCursor);
      const found = [...first.items, ...second.items].slice(0, 5);
      expect(found.map(({ offset: at }) => at)).toEqual(['4', '3', '2', '1', '0']);
      expect(found.at(-1)).toMatchObject({
        key: null,
        value: Buffer.from([1, 2, 0]),
        headers: [{ key: 'h', value: Buffer.from([0xff, 0]) }],
        status: 'open',
      });
      expect(found.at(-2)).toMatchObject({ key: Buffer.from([0, 255]), value: null });
      const id = found[0]?.id ?? '';
      const closed = await Promise.all([
        lab.queries.closeDeadLetter(id, 'discarded', 'ada'),
        lab.queries.closeDeadLetter(id, 'replayed', 'bob'),
      ]);
      expect(closed.filter(Boolean)).toHaveLength(1);
      expect((await lab.queries.deadLetter(id))?.status).not.toBe('open');
      expect(await lab.queries.deadLetter('999999999999999')).toBeNull();
    });
  });

  it('lists dead letters cut, however large they are, and gives them whole by their id', async () => {
    const large = Buffer.alloc(1_000_000, 7);
    const original = { topic: 'lab.events', partition: 1, offset: '5', key: large, value: large, headers: [{ key: 'h', value: large }] };
    const deadLetter = { code: 'MR_TOO_LARGE', reason: 'It is large.', instanceId: null, at: Date.now(), omitted: null, original } as const;
    await lab.store.saveDeadLetters([{ ...deadLetter, partition: 4, offset: String(BigInt(Date.now()) * 1_000n) }]);
    const [found] = (await lab.queries.deadLetters('open', 1, null)).items;
    const cut = large.subarray(0, listedBytesMax);
    expect(found).toMatchObject({ code: 'MR_TOO_LARGE', key: cut, value: cut, headers: [], valueBytes: large.length });
    expect(await lab.queries.deadLetter(found?.id ?? '')).toMatchObject({ key: large, value: large, headers: original.headers });
  });

  describe('open automated tasks', () => {
    it('finds attempts that were dispatched before a moment, a page at a time', async () => {
      const definition = newDefinition({ nodes: { a: httpNode, b: { ...httpNode, timeout: '7s' }, c: httpNode }, edges: [] });
      const ids: InstanceId[] = [];
      for (let n = 0; n < 4; n++) ids.push(await lab.start(definition));
      const [first = '' as InstanceId, second = '' as InstanceId] = ids;
      await lab.completes(definition, first, 'a');
      await lab.fails(definition, first, 'b');
      await lab.step(definition, second, {
        type: 'CommandIssued',
        commandId: commandOf(second, 'pause').commandId,
        by: 'ada',
        command: { type: 'pause' },
      });
      const before = (await lab.store.now()) + 1;
      const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      const found: string[] = [];
      const limits = { instances: 3, tasks: 2 };
      let after: OpenTasksPosition | null = null;
      do {
        const { tasks, next }: OpenTasksPage = await lab.store.openAutomatedTasks(all, before, limits, after);
        expect(tasks.length).toBeLessThanOrEqual(limits.tasks);
        for (const task of tasks) if (ids.includes(task.instanceId)) found.push(`${ids.indexOf(task.instanceId)}.${task.path}`);
        after = next;
      } while (after !== null);
      expect(found).toEqual(['0.c', '2.a', '2.b', '2.c', '3.a', '3.b', '3.c']);
      const behind = { instanceId: ids[2] ?? first, path: path('a') };
      const most = { instances: 1_000, tasks: 1_000 };
      const [task] = (await lab.store.openAutomatedTasks(all, before, most, behind)).tasks.filter(
        ({ instanceId }) => instanceId === ids[2],
      );
      expect(task).toMatchObject({ path: 'b', attempt: 1, type: 'http', queue: null, timeoutMs: 7_000 });
      expect(await lab.store.openAutomatedTasks(all, 0, most)).toEqual({ tasks: [], next: null });
      for (const partition of all) {
        const { tasks: ofOne } = await lab.store.openAutomatedTasks([partition], before, { instances: 100_000, tasks: 100_000 }, null);
        expect(ofOne.every((each) => each.partition === partition)).toBe(true);
        const expected = ids.filter((id) => partitionOf(id, PARTITIONS) === partition && id !== second);
        expect([...new Set(ofOne.map(({ instanceId }) => instanceId).filter((id) => ids.includes(id)))]).toEqual(expected);
      }
      expect(await lab.store.openAutomatedTasks([], before, most)).toEqual({ tasks: [], next: null });
    });
  });
}
