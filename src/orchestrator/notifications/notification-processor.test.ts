import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { TaskPath } from '../../core/ids.ts';
import { step } from '../../core/instance/index.ts';
import { commandIdOf, Fixture, instanceIdOf, NOTIFICATIONS, T0 } from '../testing/fixture.ts';

const PICK = 'pick' as TaskPath;
const PACK = 'pack' as TaskPath;
describe('an outcome', () => {
  test('moves its instance on: the state, its history and the next task in one transition', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    await fixture.process(fixture.outcome(0));
    const [transition] = fixture.store.written;
    expect(transition).toMatchObject({ instanceId: instanceIdOf(1), partition: 0, expectedVersion: 1 });
    expect(transition?.history.map(({ cause }) => cause)).toContain(`${NOTIFICATIONS}/0@0`);
    expect(transition?.messages.map(({ topic, messageType }) => [topic, messageType])).toEqual([['p.tasks.handlers', 'TaskScheduled']]);
    expect(fixture.state().tasks[PICK]).toMatchObject({ status: 'completed', output: { done: true } });
    expect(fixture.state().tasks[PACK]).toMatchObject({ status: 'scheduled' });
    expect(await fixture.counted('notifications_total', { type: 'TaskOutcome', result: 'applied' })).toBe(1);
  });

  test('finds the state in the cache the next time', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    await fixture.process(fixture.outcome(0));
    await fixture.process(fixture.outcome(1, 'pack'));
    expect(fixture.state().phase).toBe('completed');
    expect(fixture.store.loaded).toEqual([instanceIdOf(1)]);
  });

  test('that overtakes the commit of its own start waits until the start can be seen', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const outcome = fixture.outcome(0);
    // The moment that the id was made.
    fixture.now = Number.parseInt(instanceIdOf(1).replaceAll('-', '').slice(0, 12), 16);
    const seen = fixture.store.load.bind(fixture.store);
    let looks = 0;
    fixture.store.load = (partition, ids) => seen(partition, ++looks < 3 ? [] : ids);
    await fixture.process(outcome);
    expect(looks).toBe(3);
    expect(fixture.store.written).toHaveLength(1);
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test('of an attempt that is not open is counted and dropped, without a write or a dead letter', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const again = fixture.outcome(1);
    await fixture.process(
      fixture.outcome(0),
      again,
      fixture.outcome(2, 'pick', { attempt: 2 }),
      fixture.outcome(3, 'pick', { basis: 'other' }),
    );
    await fixture.process({ ...again, offset: 4n });
    expect(fixture.store.written).toHaveLength(1);
    expect(await fixture.sentDeadLetters()).toEqual([]);
    expect(await fixture.counted('notifications_rejected_total', { code: 'MR_OUTCOME_STALE' })).toBe(4);
  });

  test('for an instance that has ended is counted and dropped', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    await fixture.process(fixture.outcome(0));
    const last = fixture.outcome(1, 'pack');
    await fixture.process(last);
    await fixture.process({ ...last, offset: 2n });
    expect(fixture.store.calls).toHaveLength(2);
    expect(await fixture.sentDeadLetters()).toEqual([]);
    expect(await fixture.counted('notifications_rejected_total', { code: 'MR_INSTANCE_ENDED' })).toBe(1);
  });

  test('with a number that a double would change fails its task, for good', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    await fixture.process(fixture.outcome(0, 'pick', { output: '{"total":9007199254740993}' }));
    expect(fixture.state().incidents[PICK]).toMatchObject({
      error: { code: 'OUTPUT_INVALID', message: expect.stringContaining('/total') },
    });
  });
});

describe('a batch', () => {
  test('is one transition for each instance, whatever came for it', async () => {
    const fixture = await Fixture.start();
    for (const n of [1, 2, 3]) fixture.begin(n);
    const both = fixture.outcome(0);
    await fixture.process(
      both,
      fixture.outcome(1, 'pick', { n: 2 }),
      fixture.command(2, { type: 'pause' }),
      fixture.outcome(3, 'pick', { n: 3 }),
    );
    expect(fixture.store.calls).toHaveLength(1);
    expect(fixture.store.calls[0]?.map(({ instanceId }) => instanceId)).toEqual([1, 2, 3].map(instanceIdOf));
    expect(fixture.state()).toMatchObject({ paused: { by: 'ada' }, tasks: { pick: { status: 'completed' } } });
  });

  test('writes commands and their answers', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    await fixture.process(fixture.command(0, { type: 'resume' }));
    expect(fixture.store.written[0]?.effects).toMatchObject([{ type: 'commandRefused', commandId: commandIdOf(0), code: 'MR_NOT_PAUSED' }]);
    await fixture.process(fixture.command(1, { type: 'cancel', reason: 'no need' }));
    expect(fixture.store.written[1]?.effects).toContainEqual({ type: 'commandApplied', commandId: commandIdOf(1) });
    expect(fixture.state().phase).toBe('cancelled');
  });

  test('waits for the database, the definitions or the registry, and nothing is lost or becomes a dead letter', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const outages = [
      () => {
        fixture.registry.available = false;
      },
      () => {
        fixture.store.load = async () => {
          throw away;
        };
      },
      () => {
        fixture.stored.get = async () => {
          throw away;
        };
      },
      () => {
        fixture.store.refuse = () => away;
      },
    ];
    const away = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
    const healthy = { load: fixture.store.load, get: fixture.stored.get };
    for (const begin of outages) begin();
    fixture.consumer.give(0, [fixture.outcome(0)]);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.consumer.committed.size).toBe(0);
    fixture.registry.available = true;
    fixture.store.load = healthy.load;
    fixture.stored.get = healthy.get;
    fixture.store.refuse = () => null;
    await fixture.committed(1);
    expect(fixture.store.written).toHaveLength(1);
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test('waits for a definition that the database does not have', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    let asked = 0;
    fixture.stored.get = async () => (++asked < 3 ? null : fixture.definition);
    await fixture.process(fixture.outcome(0));
    expect(asked).toBe(3);
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });
});

describe('whoever loses the version check', () => {
  test('decides again on what stands there, and sends nothing of the decision that lost', async () => {
    const fixture = await Fixture.start();
    fixture.begin(1);
    fixture.begin(2);
    const outcome = fixture.outcome(0);
    let calls = 0;
    fixture.store.before = () => {
      if (++calls > 1) return;
      // Another owner pauses the instance first.
      const stored = fixture.store.stored(instanceIdOf(1));
      if (stored === undefined) throw new Error('no instance');
      const paused = step(
        fixture.definition,
        stored.state,
        [
          {
            instanceId: instanceIdOf(1),
            cause: 'zombie',
            notification: { type: 'CommandIssued', commandId: commandIdOf(9), by: 'zombie', command: { type: 'pause' } },
          },
        ],
        T0,
      );
      fixture.store.put(instanceIdOf(1), paused.state, 2);
    };
    await fixture.process(outcome, fixture.outcome(1, 'pick', { n: 2 }));
    expect(fixture.store.written.map(({ instanceId, expectedVersion }) => [instanceId, expectedVersion])).toEqual([
      [instanceIdOf(2), 1],
      [instanceIdOf(1), 2],
    ]);
    // Paused: the next task is not sent.
    expect(fixture.store.written[1]?.messages.filter(({ messageType }) => messageType === 'TaskScheduled')).toEqual([]);
    expect(await fixture.counted('version_conflicts_total', {})).toBe(1);
  });

  test('drops an outcome that was applied meanwhile', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const outcome = fixture.outcome(0);
    await fixture.process(outcome);
    const written = fixture.store.stored(instanceIdOf(1));
    // The next owner processes the record again, on a state that it loaded before the write.
    const stale = await Fixture.start();
    stale.begin();
    stale.store.before = () => {
      if (written !== undefined) stale.store.put(instanceIdOf(1), written.state, written.version);
    };
    await stale.process(outcome);
    expect(stale.store.written).toEqual([]);
    expect(await stale.counted('notifications_rejected_total', { code: 'MR_OUTCOME_STALE' })).toBe(1);
  });

  test('of an old assignment leaves nothing in the cache of the new one', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const held = Promise.withResolvers<void>();
    fixture.store.before = () => held.promise;
    const outcome = fixture.outcome(0);
    fixture.consumer.give(0, [outcome]);
    while (fixture.store.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    fixture.consumer.assign(0);
    fixture.store.before = () => undefined;
    held.resolve();
    while (fixture.store.written.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await fixture.process(outcome);
    expect(fixture.store.loaded).toEqual([instanceIdOf(1), instanceIdOf(1)]);
    expect(await fixture.counted('notifications_rejected_total', { code: 'MR_OUTCOME_STALE' })).toBe(1);
  });
});
