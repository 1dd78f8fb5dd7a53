/** Held tasks: what is held, how far the offset goes meanwhile, how a lease is found again, and how it ends. */
import { describe, expect, test } from 'vitest';
import type { Basis, TaskPath } from '../../core/ids.ts';
import { nextTask } from '../../core/instance/continuation/continuation.ts';
import { defaultRunLimits } from '../../core/instance/index.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import type { TaskOutcome } from '../../messaging/generated/records.ts';
import { Fixture, type GivenRecord, instanceIdOf, T0 } from '../testing/fixture.ts';
import { deal, endLeases, offset, takeOver } from '../testing/held-tasks.ts';
import { Leases, leaseMs } from './leases.ts';

const three = {
  id: 'order',
  continuation: true,
  nodes: Object.fromEntries(['pick', 'pack', 'ship'].map((name) => [name, { type: 'task', task: name }])),
  edges: [
    { from: 'pick', to: 'pack' },
    { from: 'pack', to: 'ship' },
  ],
};
const OUTPUT = '{"done":true}';

/** An instance of three tasks. */
async function begun(document = three): Promise<Fixture> {
  const fixture = await Fixture.start({}, 1, document);
  fixture.begin();
  return fixture;
}

/** What the outcome of `path` would claim: what follows it, as the worker decides it. */
function continuing(fixture: Fixture, path: string, n = 1): NonNullable<TaskOutcome['continuing']> {
  const instanceId = instanceIdOf(n);
  const state = fixture.store.stored(instanceId)?.state;
  const task = state && taskAt(state, path as TaskPath);
  if (state === undefined || task === undefined) throw new Error('no such task');
  const { attempt, basis } = task;
  const outcome = {
    type: 'TaskOutcome',
    path: task.path,
    attempt,
    basis,
    result: { status: 'completed', output: JSON.parse(OUTPUT) },
  } as const;
  const next = nextTask(fixture.definition, state, outcome, T0, defaultRunLimits);
  const opened = next && taskAt(next.state, next.path);
  if (next === null || opened === null || opened === undefined) throw new Error('nothing follows');
  return { taskId: `${instanceId}.${next.path}`, attempt: opened.attempt, basis: opened.basis };
}

function claiming(fixture: Fixture, offset: number, path = 'pick', n = 1): GivenRecord {
  return fixture.outcome(offset, path, { n, output: OUTPUT, continuing: continuing(fixture, path, n) });
}

const held = (fixture: Fixture, n = 1) =>
  fixture.store
    .stored(instanceIdOf(n))
    ?.held?.map(({ path }) => path)
    .join() ?? null;
const sent = (fixture: Fixture) => fixture.store.sent.filter(({ messageType }) => messageType === 'TaskScheduled').map(({ key }) => key);

describe('A task that its worker goes on with', () => {
  test('is held and not sent, and its history is that of a task that was sent', async () => {
    const [on, off] = [await begun(), await begun()];
    await deal(on, claiming(on, 0));
    await deal(off, off.outcome(0, 'pick', { output: OUTPUT }));
    expect([held(on), sent(on)]).toEqual(['pack', []]);
    expect([held(off), sent(off)]).toEqual([null, [instanceIdOf(1)]]);
    expect(on.store.written[0]?.history).toEqual(off.store.written[0]?.history);
    expect(on.store.stored(instanceIdOf(1))?.state).toEqual(off.store.stored(instanceIdOf(1))?.state);
    expect(await on.counted('continuations_total', { result: 'held' })).toBe(1);
  });

  test.each([
    ['basis', { basis: 'another' }],
    ['attempt', { attempt: 2 }],
    ['task', { taskId: `${instanceIdOf(1)}.ship` }],
  ])('is sent at once where the %s is another than the one that was opened', async (what, change) => {
    const fixture = await begun();
    await deal(fixture, fixture.outcome(0, 'pick', { output: OUTPUT, continuing: { ...continuing(fixture, 'pick'), ...change } }));
    expect([held(fixture), sent(fixture)]).toEqual([null, [instanceIdOf(1)]]);
    expect(await fixture.counted('continuations_total', { result: 'misfit' })).toBe(what === 'attempt' ? 0 : 1);
    expect(offset(fixture)).toBe(1n);
  });

  test('is sent where the outcome was built on a result that lost', async () => {
    const fixture = await begun();
    const [winner, loser] = [fixture.outcome(0, 'pick', { output: '{"by":"another"}' }), claiming(fixture, 1)];
    await deal(fixture, winner, loser);
    expect([held(fixture), sent(fixture)]).toEqual([null, [instanceIdOf(1)]]);
  });

  test('is sent as ever where its definition does not ask for it', async () => {
    const fixture = await begun({ ...three, continuation: false });
    await deal(fixture, claiming(fixture, 0));
    expect([held(fixture), sent(fixture)]).toEqual([null, [instanceIdOf(1)]]);
  });

  test('is held no more once its own outcome has come, whether that one continues or not', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    await deal(fixture, claiming(fixture, 1, 'pack'));
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual(['ship', [], 1n]);
    await deal(fixture, fixture.outcome(2, 'ship'));
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [], 3n]);
    expect(fixture.state().phase).toBe('completed');
  });

  test('is sent under a new attempt after it has failed, and its lease goes with it', async () => {
    const fixture = await begun({
      ...three,
      nodes: { ...three.nodes, pack: { type: 'task', task: 'pack', retry: { maxAttempts: 2 } } },
    } as typeof three);
    await deal(fixture, claiming(fixture, 0));
    await deal(fixture, fixture.outcome(1, 'pack', { status: 'failed', errorCode: 'E', errorMessage: 'e', retryable: true, output: null }));
    expect([held(fixture), offset(fixture)]).toEqual([null, 2n]);
  });
});

describe('As long as a task is held, the offset', () => {
  test('stays at the last record of its instance, while others go on and lag says what is left to do', async () => {
    const fixture = await begun();
    for (const n of [2, 3]) fixture.begin(n);
    await deal(fixture, claiming(fixture, 0));
    expect(offset(fixture)).toBe(0n);
    await deal(fixture, fixture.outcome(1, 'pick', { n: 2 }), fixture.outcome(2, 'pick', { n: 3 }));
    expect(offset(fixture)).toBe(0n);
    // A record of the instance that changes nothing moves the lease.
    await deal(fixture, fixture.outcome(3, 'pick', { basis: 'late' }));
    expect(offset(fixture)).toBe(3n);
    await deal(fixture, fixture.outcome(4, 'pack'));
    expect(offset(fixture)).toBe(5n);
  });

  test('stays below the oldest of many', async () => {
    const fixture = await begun();
    for (const n of [2, 3]) fixture.begin(n);
    await deal(fixture, claiming(fixture, 0, 'pick', 2), claiming(fixture, 1, 'pick', 1), claiming(fixture, 2, 'pick', 3));
    expect(offset(fixture)).toBe(0n);
    await deal(fixture, fixture.outcome(3, 'pack', { n: 2 }));
    expect(offset(fixture)).toBe(1n);
    await deal(fixture, fixture.outcome(4, 'pack', { n: 1 }), fixture.outcome(5, 'pack', { n: 3 }));
    expect(offset(fixture)).toBe(6n);
  });
});

describe('A lease', () => {
  test('that runs out sends the task, once, and changes neither version nor history', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    const before = fixture.store.stored(instanceIdOf(1));
    await fixture.keeper.look();
    expect(sent(fixture)).toEqual([]);
    await endLeases(fixture);
    await endLeases(fixture);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [instanceIdOf(1)], 1n]);
    const after = fixture.store.stored(instanceIdOf(1));
    expect([after?.version, after?.state]).toEqual([before?.version, before?.state]);
    await deal(fixture, fixture.outcome(1, 'pack'));
    expect(fixture.state().tasks['pack' as TaskPath]).toMatchObject({ status: 'completed' });
  });

  test('does not end before everything is dealt with that stood in the log when its time was over', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    fixture.logEnd = 2n;
    await endLeases(fixture);
    expect([held(fixture), sent(fixture)]).toEqual(['pack', []]);
    // The outcome was in the backlog.
    await deal(fixture, claiming(fixture, 1, 'pack'));
    await fixture.keeper.look();
    expect([held(fixture), sent(fixture)]).toEqual(['ship', []]);
  });

  test('is not lengthened by seeing the task again', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    fixture.elapsedMs += leaseMs / 2;
    await deal(fixture, fixture.outcome(1, 'pick', { basis: 'late' }));
    fixture.elapsedMs += leaseMs / 2;
    await fixture.keeper.look();
    expect(sent(fixture)).toEqual([instanceIdOf(1)]);
  });

  test('is found again by who takes over, from a record that is refused by then', async () => {
    const fixture = await begun();
    const record = claiming(fixture, 0);
    await deal(fixture, record);
    await takeOver(fixture, record);
    expect([held(fixture), offset(fixture)]).toEqual(['pack', 0n]);
    await endLeases(fixture);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [instanceIdOf(1)], 1n]);
  });

  test('that runs out under a pause sends nothing and holds no offset, and resuming finds the task again', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    await deal(fixture, fixture.command(1, { type: 'pause' }));
    await endLeases(fixture);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual(['pack', [], 2n]);
    await deal(fixture, fixture.command(2, { type: 'resume' }));
    expect(offset(fixture)).toBe(2n);
    await endLeases(fixture);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [instanceIdOf(1)], 3n]);
  });

  test('under a pause goes with the outcome of its task, which opens nothing until it is resumed', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    const next = claiming(fixture, 2, 'pack');
    await deal(fixture, fixture.command(1, { type: 'pause' }));
    await deal(fixture, next);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [], 3n]);
    await deal(fixture, fixture.command(3, { type: 'resume' }));
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [instanceIdOf(1)], 4n]);
  });

  test('goes with its instance when that is cancelled', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    await deal(fixture, fixture.command(1, { type: 'cancel', reason: null }));
    await endLeases(fixture);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [], 2n]);
  });

  test('of a process that has lost the partition sends nothing twice', async () => {
    const fixture = await begun();
    const record = claiming(fixture, 0);
    await deal(fixture, record);
    // Somebody else has sent it, and this one still holds its lease.
    const stored = fixture.store.stored(instanceIdOf(1));
    const message = {
      topic: 'p.tasks.handlers',
      key: instanceIdOf(1),
      messageType: 'TaskScheduled',
      partition: 0,
      payload: Buffer.from('x'),
    };
    const [task] = stored?.held ?? [];
    if (task === undefined) throw new Error('nothing is held');
    await fixture.store.release(0, [{ instanceId: instanceIdOf(1), held: task, message }]);
    await endLeases(fixture);
    expect(sent(fixture)).toHaveLength(1);
  });
});

describe('The request of a redispatcher', () => {
  const redispatch = { type: 'redispatch', path: 'pack' as TaskPath, attempt: 1 } as const;

  test('for a held task changes nothing, and finds a lease that was forgotten', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    // Nothing is read again: as if the offset had gone on.
    fixture.consumer.assign(0);
    await deal(fixture, fixture.command(1, redispatch));
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual(['pack', [], 1n]);
    await endLeases(fixture);
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual([null, [instanceIdOf(1)], 2n]);
  });

  test('that comes in one batch with what holds the task is judged after it', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0), fixture.command(1, redispatch));
    expect([held(fixture), sent(fixture), offset(fixture)]).toEqual(['pack', [], 1n]);
  });

  test('for a task that is held no more sends it', async () => {
    const fixture = await begun();
    await deal(fixture, claiming(fixture, 0));
    await endLeases(fixture);
    await deal(fixture, fixture.command(1, redispatch));
    expect(sent(fixture)).toHaveLength(2);
  });
});

test('What is remembered of the broker is bounded, and gone with what is held: beyond that a sight arms a lease', () => {
  const leases = new Leases(leaseMs, () => 0, 2);
  const task = (path: string) => ({ path: path as TaskPath, attempt: 1, basis: 'b' as Basis });
  for (const n of [1, 2, 3]) leases.produced(0, instanceIdOf(n), task('pick'));
  for (const n of [1, 2, 3]) leases.see(0, instanceIdOf(n), [task('pick')], BigInt(n));
  expect([leases.size, leases.committable(0, 9n)]).toEqual([1, 1n]);
  leases.produced(0, instanceIdOf(1), task('pick'));
  expect([leases.size, leases.isEmpty, leases.committable(0, 9n)]).toEqual([0, false, 9n]);
  for (const n of [1, 2, 3]) leases.see(0, instanceIdOf(n), [], BigInt(n));
  expect(leases.isEmpty).toBe(true);
});
