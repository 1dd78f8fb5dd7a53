/** Tasks that are sent right after their commit: when, what, and what finds those that were not sent (protocol.md, "Continuation" 16, 17). */
import { describe, expect, test } from 'vitest';
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import { childIdOf } from '../../core/instance/children/child-id.ts';
import type { ChildRequest, ChildStart } from '../../core/instance/children/messages.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import type { Json } from '../../core/json.ts';
import { HELD_MAX } from '../../engine/direct/direct-dispatch.ts';
import { DEAD_LETTERS, Fixture, instanceIdOf } from '../testing/fixture.ts';
import { deal, endLeases, offset, takeOver, turn } from '../testing/held-tasks.ts';

const tasksOf = (names: readonly string[], more: Record<string, Json> = {}) =>
  Object.fromEntries(names.map((name) => [name, { type: 'task', task: name, ...more }]));

/** `pick`, then three others at once, one of them of another queue and one an http request; then `ship`. */
const fanOut = {
  id: 'order',
  nodes: {
    ...tasksOf(['pick', 'pack', 'ship']),
    ...tasksOf(['weigh'], { queue: 'others' }),
    call: { type: 'http', method: 'GET', url: 'http://127.0.0.1/' },
  },
  edges: ['pack', 'weigh', 'call'].flatMap((name) => [
    { from: 'pick', to: name },
    { from: name, to: 'ship' },
  ]),
};
const OPENED = ['pack', 'weigh', 'call'];

async function begun(document: Json = fanOut, isDirect = true): Promise<Fixture> {
  const fixture = await Fixture.start({}, 1, document, isDirect);
  fixture.begin();
  return fixture;
}

async function acknowledge(fixture: Fixture): Promise<void> {
  fixture.direct.acknowledge();
  await turn();
}

const held = (fixture: Fixture, n = 1): readonly string[] => (fixture.store.stored(instanceIdOf(n))?.held ?? []).map(({ path }) => path);
const outbox = (fixture: Fixture) => fixture.store.sent.filter(({ messageType }) => messageType === 'TaskScheduled');

/** Paths of the tasks in records. */
async function pathsOf(fixture: Fixture, values: readonly (Buffer | null)[]): Promise<readonly string[]> {
  return await Promise.all(
    values.map(async (value) => {
      const decoded = await fixture.codec.decode(value ?? Buffer.alloc(0), ['TaskScheduled']);
      if (!decoded.ok) throw new Error('not a task');
      return decoded.value.taskId.slice(37);
    }),
  );
}

const sentDirectly = (fixture: Fixture) =>
  pathsOf(
    fixture,
    fixture.direct.sent.map(({ value }) => value),
  );
const sentByOutbox = (fixture: Fixture) =>
  pathsOf(
    fixture,
    outbox(fixture).map(({ payload }) => payload),
  );

describe('Tasks that a step opens', () => {
  test('are sent right after it, a fan-out, another queue and http too, and by no row of the outbox', async () => {
    const fixture = await begun();
    fixture.direct.hold = true;
    await deal(fixture, fixture.outcome(0));
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([OPENED, [], 0n]);
    await acknowledge(fixture);
    expect([await sentDirectly(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([OPENED, [], 1n]);
    expect(fixture.direct.sent.map(({ topic }) => topic)).toEqual(['p.tasks.handlers', 'p.tasks.others', 'p.tasks']);
    expect(await fixture.counted('tasks_direct_total', {})).toBe(3);
    expect(await fixture.counted('continuations_total', { result: 'held' })).toBe(0);
  });

  test.each([false, true])('are the same records as by the outbox, with the same history (continuation %s)', async (continuation) => {
    // What opens one task alone has a state travel with it.
    const definition = { ...fanOut, continuation, edges: [...fanOut.edges.slice(0, 2), { from: 'weigh', to: 'call' }] };
    const [on, off] = [await begun(definition), await begun(definition, false)];
    for (const fixture of [on, off]) await deal(fixture, fixture.outcome(0));
    const bare = ({ topic, key, partition, payload }: { topic: string; key: string; partition: number | null; payload: Buffer }) => ({
      ...{ topic, key, partition, value: payload.toString('hex') },
    });
    expect(on.direct.sent.map(({ headers: _, value, ...rest }) => ({ ...rest, value: value?.toString('hex') }))).toEqual(
      outbox(off).map(bare),
    );
    expect(on.direct.sent.map(({ headers }) => headers?.map(({ key, value }) => `${key}: ${value}`))).toEqual(
      outbox(off).map(() => ['messageType: TaskScheduled']),
    );
    expect([off.direct.calls, outbox(on).length]).toEqual([0, 0]);
    expect(on.store.written[0]?.history).toEqual(off.store.written[0]?.history);
    expect(on.store.stored(instanceIdOf(1))?.state).toEqual(off.store.stored(instanceIdOf(1))?.state);
  });

  test('are never sent before the commit, nor for a step that was not committed', async () => {
    const fixture = await begun();
    const calls: number[] = [];
    let refusals = 1;
    fixture.store.before = () => {
      calls.push(fixture.direct.calls);
      const stored = fixture.store.stored(instanceIdOf(1));
      // Somebody else has written the instance, so this loses, and is decided again.
      if (calls.length === 1 && stored !== undefined) fixture.store.put(instanceIdOf(1), stored.state, stored.version + 1);
    };
    fixture.store.refuse = () => (calls.length === 2 && refusals-- > 0 ? new Error('the database is away') : null);
    await deal(fixture, fixture.outcome(0));
    expect(calls).toEqual([0, 0, 0]);
    expect([fixture.direct.calls, await sentDirectly(fixture)]).toEqual([1, OPENED]);
  });

  test('are not more than an instance may hold, and the rest goes through the outbox', async () => {
    const names = Array.from({ length: HELD_MAX + 5 }, (_, n) => `n${n}`);
    const fixture = await begun({
      id: 'order',
      nodes: tasksOf(['pick', ...names]),
      edges: names.map((to) => ({ from: 'pick', to })),
    });
    await deal(fixture, fixture.outcome(0));
    expect([held(fixture).length, (await sentDirectly(fixture)).length, (await sentByOutbox(fixture)).length]).toEqual([
      HELD_MAX,
      HELD_MAX,
      5,
    ]);
    expect(new Set([...(await sentDirectly(fixture)), ...(await sentByOutbox(fixture))]).size).toBe(HELD_MAX + 5);
  });

  test('go through the outbox where the message is large', async () => {
    const fixture = await begun({
      id: 'order',
      nodes: { ...tasksOf(['pick', 'small']), ...tasksOf(['large'], { input: '${ nodes.pick.output }' }) },
      edges: ['small', 'large'].map((to) => ({ from: 'pick', to })),
    });
    await deal(fixture, fixture.outcome(0, 'pick', { output: JSON.stringify('x'.repeat(90_000)) }));
    expect([await sentDirectly(fixture), await sentByOutbox(fixture)]).toEqual([['small', 'large'], []]);
    const large = await begun({
      id: 'order',
      nodes: {
        ...tasksOf(['pick', 'small']),
        ...tasksOf(['large'], { input: { twice: ['${ nodes.pick.output }', '${ nodes.pick.output }'] } }),
      },
      edges: ['small', 'large'].map((to) => ({ from: 'pick', to })),
    });
    await deal(large, large.outcome(0, 'pick', { output: JSON.stringify('x'.repeat(90_000)) }));
    expect([held(large), await sentDirectly(large), await sentByOutbox(large)]).toEqual([['small'], ['small'], ['large']]);
  });

  test('are those of items of a loop too', async () => {
    const body = { nodes: tasksOf(['work']) };
    const fixture = await begun({
      id: 'order',
      nodes: { ...tasksOf(['pick']), items: { type: 'forEach', items: [1, 2, 3], body, concurrency: 2 } },
      edges: [{ from: 'pick', to: 'items' }],
    });
    fixture.direct.hold = true;
    await deal(fixture, fixture.outcome(0));
    expect(held(fixture)).toEqual(['items.0.work', 'items.1.work']);
    await acknowledge(fixture);
    await deal(fixture, fixture.outcome(1, 'items.0.work'));
    expect([held(fixture), await sentDirectly(fixture)]).toEqual([['items.2.work'], ['items.0.work', 'items.1.work', 'items.2.work']]);
  });

  test('are those of a child that a parent asks for, from its start on', async () => {
    const fixture = await begun();
    const task = taskAt(fixture.begin(2), 'pick' as TaskPath);
    if (task === undefined) throw new Error('no such task');
    const childId = childIdOf(instanceIdOf(2), task, Date.now());
    const parent = { kind: 'instance', instanceId: instanceIdOf(2), path: 'pick' as TaskPath, attempt: 1, basis: task.basis } as const;
    const { definition } = fixture;
    const request: ChildRequest = {
      ...{ parent, depth: 1, detached: false, wish: 'run' as const, number: 1 },
      ...{ definitionId: definition.id, definitionVersion: 1 },
    };
    const start: ChildStart = { type: 'ChildStart', request, input: {}, businessKey: null };
    const { payload } = fixture.outgoing.ofChildStart(childId, start, Date.now());
    const record = { offset: 0n, key: Buffer.from(childId), value: payload };
    fixture.direct.hold = true;
    await deal(fixture, record);
    const stored = (id: InstanceId) => fixture.store.stored(id)?.held?.map(({ path }) => path);
    expect([stored(childId), offset(fixture), outbox(fixture).length]).toEqual([['pick'], 0n, 0]);
    // It dies before Kafka has it: the next owner reads the record again, and finds what is held.
    await takeOver(fixture, record);
    await endLeases(fixture);
    expect([stored(childId), offset(fixture), await sentByOutbox(fixture)]).toEqual([undefined, 1n, ['pick']]);
  });

  test('are those that a redispatcher takes for lost, where nothing holds them', async () => {
    const fixture = await begun();
    await deal(fixture, fixture.command(0, { type: 'redispatch', path: 'pick' as TaskPath, attempt: 1 }));
    expect([held(fixture), await sentDirectly(fixture), await sentByOutbox(fixture)]).toEqual([['pick'], ['pick'], []]);
  });
});

describe('What was committed and not sent', () => {
  test('is found by who takes over, from the record that is read again, and goes through the outbox', async () => {
    const fixture = await begun();
    fixture.direct.hold = true;
    const record = fixture.outcome(0);
    await deal(fixture, record);
    await takeOver(fixture, record);
    expect([held(fixture), offset(fixture)]).toEqual([OPENED, 0n]);
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], OPENED, 1n]);
    expect(await fixture.counted('continuations_total', { result: 'released' })).toBe(3);
    // What the dead one had in its hands comes late: the next step knows nothing of it.
    await acknowledge(fixture);
    await deal(fixture, fixture.outcome(1, 'pack'));
    expect([held(fixture), offset(fixture)]).toEqual([[], 2n]);
  });

  test('is found too where it was sent and the acknowledgement did not come', async () => {
    const fixture = await begun();
    const record = fixture.outcome(0);
    fixture.direct.hold = true;
    await deal(fixture, record);
    fixture.consumer.assign(0);
    // The broker has them, and who sent them is gone.
    await acknowledge(fixture);
    expect(await sentDirectly(fixture)).toEqual(OPENED);
    await deal(fixture, record);
    expect([held(fixture), offset(fixture)]).toEqual([OPENED, 0n]);
    // A spare record of each, which its worker joins.
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture)]).toEqual([[], OPENED]);
  });

  test('goes through the outbox when Kafka does not take it in time, while nothing waits for that', async () => {
    const fixture = await begun();
    fixture.begin(2);
    fixture.direct.hold = true;
    await deal(fixture, fixture.outcome(0));
    fixture.elapsedMs += 1_001;
    // Slow: the next ones are not even tried.
    await deal(fixture, fixture.outcome(1, 'pick', { n: 2 }));
    expect([held(fixture, 2), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], OPENED, 0n]);
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], [...OPENED, ...OPENED], 2n]);
    await acknowledge(fixture);
    fixture.begin(3);
    await deal(fixture, fixture.outcome(2, 'pick', { n: 3 }));
    expect(fixture.direct.sent).toHaveLength(6);
  });

  test('is bounded: beyond that, tasks go through the outbox', async () => {
    const fixture = await begun();
    fixture.direct.pending = () => ({ records: 0, bytes: 9 * 1_048_576 });
    await deal(fixture, fixture.outcome(0));
    expect([held(fixture), fixture.direct.calls, await sentByOutbox(fixture)]).toEqual([[], 0, OPENED]);
  });

  test('goes through the outbox when Kafka refuses it', async () => {
    const fixture = await begun();
    fixture.direct.refuse = () => new Error('never');
    await deal(fixture, fixture.outcome(0));
    expect([held(fixture), offset(fixture)]).toEqual([OPENED, 0n]);
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], OPENED, 1n]);
  });

  test('is waited for at the shutdown, and left to the next owner if the broker does not answer', async () => {
    const [answered, silent] = [await begun(), await begun()];
    for (const fixture of [answered, silent]) {
      fixture.direct.hold = true;
      await deal(fixture, fixture.outcome(0));
    }
    const stopped = answered.partitionConsumer.stop(60_000);
    await turn();
    expect(answered.consumer.left).toBe(false);
    await acknowledge(answered);
    await stopped;
    expect(offset(answered)).toBe(1n);
    await silent.partitionConsumer.stop(1);
    expect([held(silent), offset(silent), silent.consumer.left]).toEqual([OPENED, 0n, true]);
  });

  test('sends nothing while its instance is paused, and is found again by the resume', async () => {
    const fixture = await begun();
    fixture.direct.hold = true;
    await deal(fixture, fixture.outcome(0));
    await deal(fixture, fixture.command(1, { type: 'pause' }));
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([OPENED, [], 2n]);
    await deal(fixture, fixture.command(2, { type: 'resume' }));
    expect(offset(fixture)).toBe(2n);
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], OPENED, 3n]);
  });

  test('goes with its instance when that is cancelled', async () => {
    const fixture = await begun();
    fixture.direct.hold = true;
    await deal(fixture, fixture.outcome(0));
    await deal(fixture, fixture.command(1, { type: 'cancel', reason: null }));
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], [], 2n]);
  });
});

describe('What the broker has', () => {
  test('is remembered: later sights arm nothing, and the next step that writes holds it no longer', async () => {
    const fixture = await begun();
    await deal(fixture, fixture.outcome(0));
    // A record that changes nothing is a sight of all three.
    await deal(fixture, fixture.outcome(1, 'pick', { basis: 'late' }));
    expect([held(fixture), offset(fixture)]).toEqual([OPENED, 2n]);
    await endLeases(fixture);
    expect(await sentByOutbox(fixture)).toEqual([]);
    await deal(fixture, fixture.outcome(2, 'weigh'));
    expect([held(fixture), offset(fixture)]).toEqual([[], 3n]);
  });

  test('is held no longer, while what it has not yet still is', async () => {
    const fixture = await begun({ ...fanOut, edges: [...fanOut.edges.slice(0, 4), { from: 'pack', to: 'call' }] });
    await deal(fixture, fixture.outcome(0));
    fixture.direct.hold = true;
    await deal(fixture, fixture.outcome(1, 'pack'));
    expect([held(fixture), offset(fixture)]).toEqual([['call'], 1n]);
    // A step of another branch leaves what is on its way.
    await deal(fixture, fixture.outcome(2, 'weigh'));
    expect([held(fixture), offset(fixture)]).toEqual([['call', 'ship'], 2n]);
    await acknowledge(fixture);
    expect(offset(fixture)).toBe(3n);
  });

  test('is sent once more where a redispatcher takes it for lost', async () => {
    const fixture = await begun();
    await deal(fixture, fixture.outcome(0));
    // With a step of the same instance in one batch, before and after it.
    const request = fixture.command(2, { type: 'redispatch', path: 'pack' as TaskPath, attempt: 1 });
    await deal(fixture, fixture.outcome(1, 'weigh'), request, fixture.outcome(3, 'call'));
    expect([held(fixture), offset(fixture)]).toEqual([['pack'], 3n]);
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture), offset(fixture)]).toEqual([[], ['pack'], 4n]);
  });

  test('is not known to who takes over: a record of the instance arms all that it holds', async () => {
    const fixture = await begun();
    await deal(fixture, fixture.outcome(0));
    await takeOver(fixture, fixture.outcome(1, 'weigh'));
    expect([held(fixture), offset(fixture)]).toEqual([['pack', 'call'], 1n]);
    await endLeases(fixture);
    expect([held(fixture), await sentByOutbox(fixture)]).toEqual([[], ['pack', 'call']]);
  });
});

test('Of many instances in one partition, the offset stays below the oldest that waits for the broker', async () => {
  const fixture = await Fixture.start({}, 1, fanOut, true);
  const count = 30;
  for (let n = 1; n <= count; n++) fixture.begin(n);
  fixture.direct.hold = true;
  const records = Array.from({ length: count }, (_, index) => fixture.outcome(index, 'pick', { n: index + 1 }));
  await deal(fixture, ...records.slice(0, 10));
  const [first] = fixture.direct.held;
  await deal(fixture, ...records.slice(10, 20));
  await deal(fixture, ...records.slice(20));
  expect(offset(fixture)).toBe(0n);
  // One after the other is acknowledged, the oldest last.
  for (const waiting of fixture.direct.held.slice(1).toReversed()) waiting.resolve();
  await turn();
  expect(offset(fixture)).toBe(0n);
  first?.resolve();
  await turn();
  expect([offset(fixture), fixture.direct.sent.length, outbox(fixture).length]).toEqual([BigInt(count), 3 * count, 0]);
  // Nothing is read for long by who takes over.
  await takeOver(fixture, ...records, fixture.outcome(count, 'pack', { n: 7 }));
  expect(held(fixture, 7)).toEqual(['weigh', 'call']);
  expect(fixture.producer.sent.filter(({ topic }) => topic === DEAD_LETTERS)).toEqual([]);
});
