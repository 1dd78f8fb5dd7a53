/** Notifications that cannot be applied: what their instances record, and which of them become dead letters. */

import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { TaskPath } from '../../core/ids.ts';
import { openScopeAt, rootPath } from '../../core/instance/state/scopes.ts';
import type { Transition } from '../../store/instance-store.ts';
import { commandIdOf, Fixture, instanceIdOf, NOTIFICATIONS } from '../testing/fixture.ts';

const PICK = 'pick' as TaskPath;

/** A database that refuses every transition of this instance with an event of this type. */
function refusing(fixture: Fixture, n: number, event: string, error: Error = tooLarge): void {
  const isIt = ({ instanceId, history }: Transition) =>
    instanceId === instanceIdOf(n) && history.some((entry) => entry.event.type === event);
  fixture.store.refuse = (transitions) => (transitions.some(isIt) ? error : null);
}

const tooLarge = new MillraceError('MR_MESSAGE_TOO_LARGE', 'A message is too large.', { retryable: false });

describe('what the database never takes', () => {
  test('is no message when the database itself is not as it should be: everything waits', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const denied = new MillraceError('MR_DATABASE', 'permission denied for table instance (42501)', { retryable: false });
    let denials = 0;
    fixture.store.refuse = () => (++denials < 4 ? denied : null);
    await fixture.process(fixture.outcome(0));
    expect(denials).toBe(4);
    expect(fixture.state().tasks[PICK]?.status).toBe('completed');
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test('is found, and everybody else goes on', async () => {
    const fixture = await Fixture.start();
    for (let n = 1; n <= 7; n++) fixture.begin(n);
    refusing(fixture, 5, 'TaskCompleted');
    await fixture.process(...Array.from({ length: 7 }, (_, index) => fixture.outcome(index, 'pick', { n: index + 1 })));
    for (const n of [1, 2, 3, 4, 6, 7]) expect(fixture.state(n).tasks[PICK]?.status).toBe('completed');
  });

  test.each(['MR_MESSAGE_TOO_LARGE', 'MR_STATE_TOO_LARGE', 'MR_OUTBOX_TOPIC_UNKNOWN', 'MR_DATA_REFUSED'] as const)(
    'for %s fails the task whose outcome it followed from, so that a person sees why',
    async (code) => {
      const fixture = await Fixture.start();
      fixture.begin();
      refusing(fixture, 1, 'TaskCompleted', new MillraceError(code, 'The database refuses it.', { retryable: false }));
      await fixture.process(fixture.outcome(0));
      expect(fixture.state().incidents[PICK]).toMatchObject({ error: { code } });
      expect(await fixture.sentDeadLetters()).toEqual([]);
    },
  );

  test('refuses the command that it followed from', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    refusing(fixture, 1, 'InstancePaused');
    await fixture.process(fixture.command(0, { type: 'pause' }));
    expect(fixture.store.written).toMatchObject([
      {
        history: [{ event: { type: 'CommandRefused', commandId: commandIdOf(0) } }],
        effects: [{ type: 'commandRefused', commandId: commandIdOf(0), code: 'MR_MESSAGE_TOO_LARGE' }],
      },
    ]);
    expect(fixture.state().paused).toBeNull();
    expect(await fixture.sentDeadLetters()).toEqual([]);
  });

  test('stays refused when it comes again and would be taken by then: its sender was told so', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    refusing(fixture, 1, 'InstancePaused');
    const command = fixture.command(0, { type: 'pause' });
    await fixture.process(command);
    fixture.store.refuse = () => null;
    await fixture.process({ ...command, offset: 1n });
    expect(fixture.state().paused).toBeNull();
    expect(fixture.store.written).toHaveLength(1);
    expect(await fixture.counted('notifications_rejected_total', { code: 'MR_COMMAND_REPEATED' })).toBe(1);
  });

  test('is an incident of the task whose outcome cannot even fail, and a dead letter with the outcome', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    fixture.store.refuse = (transitions) =>
      transitions.some(({ history }) => history.some(({ event }) => event.type === 'TaskCompleted' || event.type === 'TaskFailed'))
        ? tooLarge
        : null;
    const outcome = fixture.outcome(0);
    await fixture.process(outcome);
    expect(fixture.state().tasks[PICK]?.status).toBe('scheduled');
    expect(fixture.state().incidents[PICK]).toMatchObject({ phase: 'message', error: { code: 'MR_MESSAGE_TOO_LARGE' } });
    expect(await fixture.sentDeadLetters()).toMatchObject([{ code: 'MR_STEP_FAILED', value: outcome.value }]);
    fixture.store.refuse = () => null;
    await fixture.process({ ...outcome, offset: 1n });
    expect(fixture.state()).toMatchObject({ incidents: {}, tasks: { pick: { status: 'completed' } } });
  });

  test('is an incident of the task whose timer came due, and no dead letter: a retry applies it', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    await fixture.process(fixture.outcome(0, 'pick', { status: 'failed', errorCode: 'BUSY', output: null }));
    refusing(fixture, 1, 'AttemptStarted');
    const timer = fixture.state().timers[`${PICK}#retry`];
    if (timer?.state !== 'armed') throw new Error('no timer');
    fixture.now = timer.dueAt;
    const due = { instanceId: instanceIdOf(1), timerId: `${PICK}#retry`, kind: timer.kind, path: PICK, attempt: 1, dueAt: timer.dueAt };
    await fixture.process(fixture.sent(1, 1, fixture.outgoing.ofTimer(due)));
    expect(fixture.state().incidents[PICK]).toMatchObject({ phase: 'message' });
    expect(await fixture.sentDeadLetters()).toEqual([]);
    fixture.store.refuse = () => null;
    await fixture.process(fixture.command(2, { type: 'retry', path: PICK }));
    expect(fixture.state()).toMatchObject({ incidents: {}, tasks: { pick: { status: 'scheduled', attempt: 2 } } });
  });

  test('becomes a dead letter where the instance cannot even record it, and what came with it is applied', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    fixture.store.refuse = (transitions) =>
      transitions.some(({ history }) => history.some(({ cause }) => cause.endsWith('@1'))) ? tooLarge : null;
    const [first, second, third] = [fixture.command(0, { type: 'pause' }), fixture.outcome(1), fixture.command(2, { type: 'resume' })];
    await fixture.process(first, second, third);
    expect(await fixture.sentDeadLetters()).toMatchObject([
      {
        code: 'MR_STEP_FAILED',
        reason: 'MR_MESSAGE_TOO_LARGE: A message is too large.',
        offset: 1,
        value: second.value,
        instanceId: instanceIdOf(1),
      },
    ]);
    expect(fixture.state()).toMatchObject({ paused: null, tasks: { pick: { status: 'scheduled' } } });
    expect(fixture.store.written).toHaveLength(2);
    expect(await fixture.counted('dead_letters_total', { topic: NOTIFICATIONS, code: 'MR_STEP_FAILED' })).toBe(1);
  });
});

describe('a step that throws', () => {
  test('writes nothing of its decision and fails its task; the other instances go on', async () => {
    const fixture = await Fixture.start();
    fixture.begin(1);
    fixture.begin(2);
    const broken = fixture.begin(3);
    // A state that the core cannot have made: its task is of a node that the definition lacks.
    const root = openScopeAt(broken, rootPath);
    const scopes = { [rootPath]: { ...root, tasks: { ...root.tasks, pick: { ...root.tasks[PICK], nodeId: 'gone' } } } };
    fixture.store.put(instanceIdOf(3), { ...broken, scopes } as typeof broken);
    await fixture.process(...[1, 2, 3].map((n) => fixture.outcome(n, 'pick', { n })));
    expect(fixture.state(1).tasks[PICK]?.status).toBe('completed');
    expect(fixture.state(2).tasks[PICK]?.status).toBe('completed');
    expect(fixture.state(3).tasks[PICK]?.status).toBe('scheduled');
    expect(await fixture.sentDeadLetters()).toMatchObject([{ code: 'MR_STEP_FAILED', instanceId: instanceIdOf(3), offset: 3 }]);
    // The message of a bug may quote data, so it is only in the log.
    expect((await fixture.sentDeadLetters())[0]?.reason).not.toContain('gone');
  });

  test('of a definition that can no longer be read concerns its own instances only', async () => {
    const fixture = await Fixture.start();
    fixture.begin(1);
    const other = fixture.begin(2);
    fixture.store.put(instanceIdOf(2), { ...other, definitionVersion: 2 });
    fixture.stored.get = async (_, version) => {
      if (version === 1) return fixture.definition;
      throw new MillraceError('MR_DEFINITION_UNREADABLE', 'refused now', { retryable: false });
    };
    await fixture.process(fixture.outcome(0), fixture.outcome(1, 'pick', { n: 2 }));
    expect(fixture.state(1).tasks[PICK]?.status).toBe('completed');
    expect(await fixture.sentDeadLetters()).toMatchObject([
      { code: 'MR_STEP_FAILED', offset: 1, reason: 'MR_DEFINITION_UNREADABLE: refused now' },
    ]);
  });
});

describe('a message that can never be processed', () => {
  test('becomes a dead letter with its bytes and headers, before it is committed; the rest goes on', async () => {
    const fixture = await Fixture.start();
    fixture.begin();
    const headers = [{ key: 'trace', value: Buffer.from('x') }];
    const invalid = { offset: 0n, key: Buffer.from('k'), value: Buffer.from('no frame'), headers };
    fixture.producer.hold = true;
    fixture.consumer.give(0, [invalid, fixture.outcome(1)]);
    while (fixture.producer.held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.consumer.committed.size).toBe(0);
    expect(fixture.store.written).toHaveLength(1);
    fixture.producer.acknowledge();
    await fixture.committed(2);
    expect(await fixture.sentDeadLetters()).toMatchObject([
      {
        code: 'MR_NOT_FRAMED',
        topic: NOTIFICATIONS,
        partition: 0,
        offset: 0,
        key: invalid.key,
        value: invalid.value,
        headers,
        instanceId: null,
      },
    ]);
    expect(await fixture.counted('dead_letters_total', { topic: NOTIFICATIONS, code: 'MR_NOT_FRAMED' })).toBe(1);
  });

  test('is one for an instance that does not exist', async () => {
    const fixture = await Fixture.start();
    const record = fixture.outcome(0, 'pick', { n: 404 });
    await fixture.process(record);
    expect(await fixture.sentDeadLetters()).toMatchObject([
      { code: 'MR_INSTANCE_UNKNOWN', instanceId: instanceIdOf(404), value: record.value },
    ]);
  });

  test('for an unknown instance is looked for again only while that could be young', async () => {
    const fixture = await Fixture.start();
    await fixture.process(fixture.outcome(0, 'pick', { n: 404 }));
    expect(fixture.store.loaded).toEqual([instanceIdOf(404)]);
  });

  test('is one in a partition that its instance does not belong to', async () => {
    const fixture = await Fixture.start({}, 8);
    const n = Array.from({ length: 20 }, (_, index) => index).find((each) => fixture.outgoing.partitionOf(instanceIdOf(each)) !== 0) ?? 0;
    fixture.begin(n);
    await fixture.process(fixture.outcome(0, 'pick', { n }));
    expect(await fixture.sentDeadLetters()).toMatchObject([{ code: 'MR_MESSAGE_INVALID', reason: expect.stringContaining('partition') }]);
    expect(fixture.store.calls).toEqual([]);
  });

  test('goes without its bytes when the dead letters cannot hold them', async () => {
    const fixture = await Fixture.start();
    let refused = 0;
    fixture.producer.refuse = ({ value }) => {
      if ((value?.length ?? 0) < 1_000) return null;
      refused++;
      return new MillraceError('MR_RECORD_TOO_LARGE', 'too large', { retryable: false });
    };
    await fixture.process({ offset: 0n, key: Buffer.from('k'), value: Buffer.alloc(2_000, 1) });
    expect(refused).toBe(1);
    expect(await fixture.sentDeadLetters()).toMatchObject([
      { code: 'MR_NOT_FRAMED', offset: 0, value: null, reason: expect.stringContaining('its own topic') },
    ]);
  });
});
