/** What every store must do with starts and steps: write them whole or not at all, once, and read them back as they were decided. */

import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { Basis, CommandId, InstanceId, TaskPath } from '../../src/core/ids.ts';
import type { CommandIssued } from '../../src/core/instance/decide/notification.ts';
import { fold } from '../../src/core/instance/index.ts';
import type { Json } from '../../src/core/json.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import type { HeldTask, Transition } from '../../src/store/instance-store.ts';
import { eventually } from '../support/eventually.ts';
import { flat } from '../support/flat-state.ts';
import { commandOf, httpNode, message, newDefinition, PARTITIONS, type StoreLab, topics } from '../support/store-lab.ts';

const oneTask = () => newDefinition({ nodes: { work: httpNode }, edges: [] });
const person = (title = 'Look') => ({ type: 'human', title, assignees: { users: ['ada'], roles: ['manager'] } });
const onePerson = () => newDefinition({ nodes: { look: person() }, edges: [] });
const path = (text: string) => text as TaskPath;

export function testTransitions(open: () => StoreLab): void {
  let lab: StoreLab;

  beforeAll(() => {
    lab = open();
  });

  describe('a held task', () => {
    const held = { path: path('work'), attempt: 1, basis: 'b' as Basis };
    const other = { ...held, basis: 'c' as Basis };
    const third = { ...held, path: path('two\nlines "and" \\'), attempt: 12 };

    const control = (command: CommandIssued['command']): CommandIssued => {
      return { type: 'CommandIssued', commandId: uuidv7() as CommandId, by: 'ada', command };
    };

    /** A step of the instance that says of its held task what is given. */
    async function stepHolding(id: InstanceId, definition: Definition, change: Pick<Transition, 'held'>): Promise<void> {
      const isPaused = (await lab.stored(id)).state.paused !== null;
      const decided = await lab.decide(definition, id, control(isPaused ? { type: 'resume' } : { type: 'pause' }));
      expect(await lab.apply({ ...decided, ...change })).toEqual([id]);
    }

    const adding = (...added: readonly HeldTask[]): Pick<Transition, 'held'> => ({ held: { kept: [], added } });

    const release = async (id: InstanceId, ...tasks: readonly HeldTask[]) =>
      await lab.store.release(
        partitionOf(id, PARTITIONS),
        tasks.map((task) => ({
          instanceId: id,
          held: task,
          message: message('TaskScheduled', topics.tasks, id, { released: task.basis }),
        })),
      );

    it('stands beside the state: a step that says nothing of it leaves it', async () => {
      const definition = oneTask();
      const id = await lab.start(definition);
      expect((await lab.stored(id)).held).toBeUndefined();
      await stepHolding(id, definition, adding(held));
      expect((await lab.stored(id)).held).toEqual([held]);
      await stepHolding(id, definition, {});
      expect(await lab.stored(id)).toMatchObject({ held: [held], version: 3 });
      await stepHolding(id, definition, adding(other));
      expect((await lab.stored(id)).held).toEqual([other]);
      await stepHolding(id, definition, { held: { kept: [other], added: [third, held] } });
      expect((await lab.stored(id)).held).toEqual([other, third, held]);
      await stepHolding(id, definition, { held: { kept: [], added: [] } });
      expect(await lab.stored(id)).not.toHaveProperty('held');
    });

    it('that was released meanwhile is not held again by a step that was decided before', async () => {
      const definition = oneTask();
      const id = await lab.start(definition);
      await stepHolding(id, definition, {});
      await stepHolding(id, definition, adding(held, other));
      expect([...(await release(id, held))]).toEqual([id]);
      await stepHolding(id, definition, { held: { kept: [held, other], added: [third] } });
      expect((await lab.stored(id)).held).toEqual([other, third]);
      await stepHolding(id, definition, {});
      expect([...(await release(id, third, other))]).toEqual([id]);
      await stepHolding(id, definition, { held: { kept: [other, third], added: [] } });
      expect(await lab.stored(id)).not.toHaveProperty('held');
    });

    it('is released with others of its instance, or none of them is', async () => {
      const definition = oneTask();
      const [id, ofAnother] = [await lab.start(definition), await lab.start(definition)];
      for (const each of [id, ofAnother]) {
        await stepHolding(each, definition, {});
        await stepHolding(each, definition, adding(held, other));
      }
      expect([...(await release(id, other, third))]).toEqual([]);
      expect((await lab.stored(id)).held).toEqual([held, other]);
      expect([...(await release(id, held, other))]).toEqual([id]);
      expect((await lab.stored(id)).held).toBeUndefined();
      const released = async (instance: InstanceId) => (await lab.sent(instance)).filter(({ payload }) => 'released' in payload);
      expect((await released(id)).map(({ payload }) => payload)).toEqual([{ released: 'b' }, { released: 'c' }]);
      expect([await released(ofAnother), (await lab.stored(ofAnother)).held]).toEqual([[], [held, other]]);
    });

    it('may be held from the start on', async () => {
      const definition = oneTask();
      const decided = await lab.decideStart(definition);
      const id = decided.transition.instanceId;
      await lab.store.start([{ ...decided, transition: { ...decided.transition, ...adding(held, other) } }]);
      expect((await lab.stored(id)).held).toEqual([held, other]);
    });

    it('is released once, by its path, attempt and basis, and its message goes with that; the version stays', async () => {
      const definition = oneTask();
      const [id, unheld] = [await lab.start(definition), await lab.start(definition)];
      await stepHolding(id, definition, {});
      await stepHolding(id, definition, adding(held));
      const before = await lab.stored(id);
      expect([...(await release(id, other)), ...(await release(unheld, held))]).toEqual([]);
      expect([...(await release(id, held))]).toEqual([id]);
      expect([...(await release(id, held))]).toEqual([]);
      expect(await lab.stored(id)).toEqual({ state: before.state, version: before.version });
      const released = async (instance: InstanceId) => (await lab.sent(instance)).filter(({ payload }) => 'released' in payload);
      expect([await released(id), await released(unheld)]).toMatchObject([[{ payload: { released: 'b' } }], []]);
    });

    it('is not released while its instance is paused, or after it has ended', async () => {
      const definition = oneTask();
      const [paused, ended] = [await lab.start(definition), await lab.start(definition)];
      await stepHolding(paused, definition, adding(held));
      const cancelling = await lab.decide(definition, ended, control({ type: 'cancel', reason: null }));
      await lab.apply({ ...cancelling, ...adding(held) });
      expect([...(await release(paused, held)), ...(await release(ended, held))]).toEqual([]);
      expect((await lab.stored(paused)).held).toEqual([held]);
    });
  });

  describe('start', () => {
    it('writes instances, their tasks, history and messages; what is loaded is what was decided', async () => {
      const definition = newDefinition({
        lifecycle: 'starts',
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
      expect((await lab.sent(id)).map(({ type }) => type)).toEqual(['TaskScheduled']);
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
          expect(await lab.queries.history(id, after, limit)).toEqual({
            entries: history.slice(after, after + limit),
            hasMore: after + limit < history.length,
          });
      }
    });
  });
}
