/** What every instance store must do. `test/integration/instance-store.test.ts` runs it on Postgres. */

import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DueTimer } from '../../src/core/due-timer.ts';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import { fold } from '../../src/core/instance/index.ts';
import type { Json } from '../../src/core/json.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import type { NewDeadLetter } from '../../src/store/instance-store.ts';
import { eventually } from '../support/eventually.ts';
import { flat } from '../support/flat-state.ts';
import {
  commandOf,
  httpNode,
  message,
  newDefinition,
  ofTimer,
  openLab,
  PARTITIONS,
  type StoreLab,
  type StoreUnderTest,
  topics,
} from '../support/store-lab.ts';

const oneTask = () => newDefinition({ nodes: { work: httpNode }, edges: [] });
const person = (title = 'Look') => ({ type: 'human', title, assignees: { users: ['ada'], roles: ['manager'] } });
const onePerson = () => newDefinition({ nodes: { look: person() }, edges: [] });
const path = (text: string) => text as TaskPath;

/** @param factory called once; the store may hold what other tests wrote. */
export function testInstanceStore(factory: () => Promise<StoreUnderTest>): void {
  let lab: StoreLab;

  beforeAll(async () => {
    lab = await openLab(await factory());
  });

  describe('start', () => {
    it('writes instances, their tasks, history and messages; what is loaded is what was decided', async () => {
      const definition = newDefinition({
        nodes: { first: { type: 'transform', output: { doubled: '${ input.amount * 2.0 }' } }, work: httpNode, look: person() },
        edges: [
          { from: 'first', to: 'work' },
          { from: 'first', to: 'look' },
        ],
      });
      const starts = await Promise.all([1, 2, 3].map((amount) => lab.decideStart(definition, { amount }, { businessKey: `b${amount}` })));
      expect(await lab.store.start(starts)).toEqual(starts.map(() => ({ kind: 'started' })));
      for (const { transition } of starts) {
        const { instanceId, after, history } = transition;
        expect(await lab.stored(instanceId)).toEqual({ state: after, version: 1 });
        expect(await lab.queries.fullHistory(instanceId)).toEqual(history);
        expect((await lab.sent(instanceId)).map(({ type }) => type)).toEqual(['TaskScheduled', 'InstanceChanged']);
      }
    });

    it('keeps data as it came: U+0000, keys that objects have anyway, order of keys, deep and wide values', async () => {
      const input = JSON.parse(
        '{"z":"a\\u0000b","__proto__":{"x":1},"constructor":null,"a":[[[[]]],{}],"emoji":"🦆\\ud800","n":[0,-0.5,1e21,9007199254740991],"":""}',
      ) as Json;
      const id = await lab.start(oneTask(), input);
      const { input: stored } = await lab.stateOf(id);
      expect(JSON.stringify(stored)).toBe(JSON.stringify(input));
    });

    it('writes messages in the order in which they were given', async () => {
      const decided = await lab.decideStart(oneTask());
      const { instanceId } = decided.transition;
      const messages = Array.from({ length: 200 }, (_, n) => message('InstanceChanged', topics.lifecycle, instanceId, { n }));
      await lab.store.start([{ ...decided, transition: { ...decided.transition, messages } }]);
      expect((await lab.sent(instanceId)).map(({ payload }) => payload.n)).toEqual(messages.map((_, n) => n));
    });

    it('answers a repeat of an idempotency key with the first instance, and another body with a refusal', async () => {
      const definition = oneTask();
      const first = await lab.decideStart(definition, {}, { key: 'k' });
      expect(await lab.store.start([first])).toEqual([{ kind: 'started' }]);
      const again = await lab.decideStart(definition, {}, { key: 'k' });
      const other = await lab.decideStart(definition, {}, { key: 'k', body: 'another' });
      const fresh = await lab.decideStart(definition, {}, { key: 'fresh' });
      expect(await lab.store.start([again, fresh])).toEqual([
        { kind: 'repeated', instanceId: first.transition.instanceId, definitionVersion: 1 },
        { kind: 'started' },
      ]);
      expect(await lab.store.start([other])).toEqual([{ kind: 'keyReused' }]);
      for (const { transition } of [again, other]) {
        expect(await lab.queries.get(transition.instanceId)).toBeNull();
        expect(await lab.sent(transition.instanceId)).toEqual([]);
      }
      // The scope of a key is its definition.
      expect(await lab.store.start([await lab.decideStart(oneTask(), {}, { key: 'k' })])).toEqual([{ kind: 'started' }]);
    });

    it('starts one instance for a key that many use at once', async () => {
      const definition = oneTask();
      const starts = await Promise.all(Array.from({ length: 20 }, () => lab.decideStart(definition, {}, { key: 'same' })));
      const results = (await Promise.all(starts.map((one) => lab.store.start([one])))).flat();
      expect(results.filter(({ kind }) => kind === 'started')).toHaveLength(1);
      const winner = starts[results.findIndex(({ kind }) => kind === 'started')]?.transition.instanceId;
      for (const result of results) if (result.kind !== 'started') expect(result).toMatchObject({ kind: 'repeated', instanceId: winner });
      const { items } = await lab.queries.list({ definition: definition.id }, 50, null);
      expect(items.map(({ instanceId }) => instanceId)).toEqual([winner]);
    });

    it('counts a start whose answer got lost as started, and writes nothing twice', async () => {
      for (const key of [undefined, 'lost']) {
        const one = await lab.decideStart(oneTask(), {}, key === undefined ? {} : { key });
        await lab.store.start([one]);
        const sent = await lab.sent(one.transition.instanceId);
        expect(await lab.store.start([one])).toEqual([{ kind: 'started' }]);
        expect(await lab.sent(one.transition.instanceId)).toEqual(sent);
      }
    });

    it('lets a start that the database refuses fail alone', async () => {
      const definition = oneTask();
      const good = await lab.decideStart(definition);
      const large = await lab.decideStart(definition);
      const strange = await lab.decideStart(definition);
      const large1 = { ...message('TaskScheduled', topics.tasks, large.transition.instanceId, {}), payload: Buffer.alloc(2_000_000) };
      const strange1 = message('TaskScheduled', 'lab.nobody-made-it', strange.transition.instanceId, {});
      const results = await lab.store.start([
        { ...large, transition: { ...large.transition, messages: [large1] } },
        good,
        { ...strange, transition: { ...strange.transition, messages: [strange1] } },
      ]);
      expect(results).toMatchObject([
        { kind: 'failed', error: { code: 'MR_MESSAGE_TOO_LARGE', retryable: false } },
        { kind: 'started' },
        { kind: 'failed', error: { code: 'MR_OUTBOX_TOPIC_UNKNOWN', retryable: false } },
      ]);
      expect(await lab.queries.get(large.transition.instanceId)).toBeNull();
      expect(await lab.queries.get(strange.transition.instanceId)).toBeNull();
      expect(await lab.stored(good.transition.instanceId)).toMatchObject({ version: 1 });
    });
  });

  describe('apply', () => {
    it('writes a step whole for whoever decided on the stored version, and nothing for whoever did not', async () => {
      const definition = newDefinition({
        nodes: { work: httpNode, look: person(), nap: { type: 'wait', for: '1h' } },
        edges: [
          { from: 'work', to: 'look' },
          { from: 'work', to: 'nap' },
        ],
      });
      const id = await lab.start(definition);
      const { attempt, basis } = await lab.task(id, 'work');
      const outcome = { type: 'TaskOutcome', path: path('work'), attempt, basis } as const;
      const [first, second] = await Promise.all(
        ['first', 'second'].map((output) => lab.decide(definition, id, { ...outcome, result: { status: 'completed', output } })),
      );
      if (first === undefined || second === undefined) throw new Error('unreachable: two were decided');
      const answers = await Promise.all([lab.apply(first), lab.apply(second)]);
      const winners = answers.flat();
      expect(winners).toEqual([id]);
      const winner = answers[0]?.length === 1 ? first : second;
      expect(await lab.stored(id)).toEqual({ state: winner.after, version: 2 });
      expect(await lab.queries.fullHistory(id)).toHaveLength(winner.after.seq);
      expect((await lab.sent(id)).map(({ type }) => type)).toEqual(['TaskScheduled', 'InstanceChanged']);
      // And a zombie that comes later still.
      expect(await lab.apply(first)).toEqual([]);
      expect(await lab.stored(id)).toEqual({ state: winner.after, version: 2 });
    });

    it('tells winners from losers in one batch', async () => {
      const definition = oneTask();
      const ids = await Promise.all(Array.from({ length: 6 }, () => lab.start(definition)));
      const transitions = await Promise.all(
        ids.map((id) =>
          lab.decide(definition, id, {
            type: 'CommandIssued',
            commandId: commandOf(id, 'pause').commandId,
            by: 'ada',
            command: { type: 'pause' },
          }),
        ),
      );
      const stale = new Set(ids.slice(0, 3));
      for (const id of stale) await lab.completes(definition, id, 'work');
      const applied = await lab.apply(...transitions.reverse());
      expect([...applied].sort()).toEqual(ids.filter((id) => !stale.has(id)).sort());
      for (const id of ids) expect((await lab.queries.get(id))?.row.status).toBe(stale.has(id) ? 'completed' : 'paused');
    });

    it('answers a refused command without a new version where nothing else happened', async () => {
      const definition = onePerson();
      const id = await lab.start(definition);
      const command = commandOf(id, 'resume');
      await lab.store.issueCommand(command);
      expect(await lab.store.commandResult(command.commandId)).toEqual({ status: 'pending' });
      const { before, after, effects, ...rest } = await lab.decide(definition, id);
      const refused = {
        type: 'commandRefused',
        commandId: command.commandId,
        code: 'MR_NOT_PAUSED',
        reason: 'The instance is not paused.',
      } as const;
      expect(await lab.apply({ ...rest, before, after, history: [], effects: [...effects, refused], messages: [] })).toEqual([id]);
      expect(await lab.stored(id)).toMatchObject({ version: 1 });
      expect(await lab.store.commandResult(command.commandId)).toMatchObject({ status: 'refused', code: 'MR_NOT_PAUSED' });
    });

    it('keeps state, history and rows in step through retries, incidents and new inputs', async () => {
      const definition = newDefinition({
        vars: { n: 0 },
        nodes: {
          prepare: { type: 'transform', output: { n: '${ vars.n }' }, set: { n: '${ vars.n + 1 }' } },
          work: {
            ...httpNode,
            method: 'POST',
            body: { given: '${ nodes.prepare.output }', big: 'x'.repeat(3_000) },
            retry: { maxAttempts: 1 },
          },
          last: { type: 'transform', output: { of: '${ nodes.work.output }' } },
        },
        edges: [
          { from: 'prepare', to: 'work' },
          { from: 'work', to: 'last' },
        ],
        output: { all: '${ nodes.last.output }' },
      });
      const id = await lab.start(definition, { some: 'input' });
      for (let round = 0; round < 3; round++) {
        await lab.fails(definition, id, 'work', false);
        const before = await lab.queries.task(id, path('work'));
        await eventually(async () => expect(await lab.store.now()).toBeGreaterThan(before?.openedAt ?? 0));
        const retried = await lab.step(definition, id, {
          type: 'CommandIssued',
          commandId: commandOf(id, 'retry').commandId,
          by: 'ada',
          command: { type: 'retry', path: path('work') },
        });
        const { status, attempt, openedAt } = flat(retried).tasks[path('work')] ?? {};
        expect(openedAt).toBeGreaterThan(before?.openedAt ?? 0);
        expect(await lab.queries.task(id, path('work'))).toMatchObject({ status, attempt, openedAt, error: null });
      }
      const done = await lab.completes(definition, id, 'work', { answer: 42 });
      expect(done).toMatchObject({ phase: 'completed', output: { all: { of: { answer: 42 } } } });
      const history = await lab.queries.fullHistory(id);
      expect(fold(id, history)).toEqual(done);
      // Every part of the history is the same part of the whole.
      for (let after = 0; after <= history.length; after++) {
        for (const limit of [1, 2, 5, 100])
          expect(await lab.queries.history(id, after, limit)).toEqual(history.slice(after, after + limit));
      }
    });
  });

  describe('timers', () => {
    it('fires each timer once when it is due, however many ask, and says when the next one is', async () => {
      const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1ms' }, long: { type: 'wait', for: '1h' } }, edges: [] });
      const ids = await Promise.all(Array.from({ length: 30 }, () => lab.start(definition)));
      const fired: DueTimer[] = [];
      const ask = async (): Promise<void> => {
        for (;;) {
          const result = await lab.store.fireTimers(7, (timer) => {
            fired.push(timer);
            return ofTimer(timer);
          });
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

    it('forgets a timer that a pause stopped, and fires it after the resume', async () => {
      const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1ms' } }, edges: [] });
      const id = await lab.start(definition);
      const control = (type: 'pause' | 'resume') =>
        ({ type: 'CommandIssued', commandId: commandOf(id, type).commandId, by: 'ada', command: { type } }) as const;
      await lab.step(definition, id, control('pause'));
      const fire = async () => {
        await lab.store.fireTimers(1_000, ofTimer);
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
      const letters = Array.from(
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
      await lab.store.saveDeadLetters(letters);
      await Promise.all([lab.store.saveDeadLetters(letters.toReversed()), lab.store.saveDeadLetters(letters)]);
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
      let after: { instanceId: InstanceId; path: TaskPath } | null = null;
      for (;;) {
        const page = await lab.store.openAutomatedTasks(all, before, 2, after);
        expect(page.length).toBeLessThanOrEqual(2);
        for (const task of page) if (ids.includes(task.instanceId)) found.push(`${ids.indexOf(task.instanceId)}.${task.path}`);
        const last = page.at(-1);
        if (last === undefined) break;
        after = { instanceId: last.instanceId, path: last.path };
      }
      expect(found).toEqual(['0.c', '2.a', '2.b', '2.c', '3.a', '3.b', '3.c']);
      const [task] = (await lab.store.openAutomatedTasks(all, before, 1_000, { instanceId: ids[2] ?? first, path: path('a') })).filter(
        ({ instanceId }) => instanceId === ids[2],
      );
      expect(task).toMatchObject({ path: 'b', attempt: 1, type: 'http', queue: null, timeoutMs: 7_000 });
      expect(await lab.store.openAutomatedTasks(all, 0, 1_000)).toEqual([]);
      for (const partition of all) {
        const ofOne = await lab.store.openAutomatedTasks([partition], before, 1_000);
        expect(ofOne.every((each) => each.partition === partition)).toBe(true);
        const expected = ids.filter((id) => partitionOf(id, PARTITIONS) === partition && id !== second);
        expect([...new Set(ofOne.map(({ instanceId }) => instanceId).filter((id) => ids.includes(id)))]).toEqual(expected);
      }
      expect(await lab.store.openAutomatedTasks([], before, 1_000)).toEqual([]);
    });
  });
}
