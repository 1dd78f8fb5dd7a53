import { describe, expect, test } from 'vitest';
import type { Notification } from '../../core/instance/decide/notification.ts';
import type { TaskOutcome } from '../../messaging/generated/records.ts';
import type { LogRecord } from '../../messaging/log.ts';
import { createOutgoing } from '../../messaging/outgoing.ts';
import { commandIdOf, instanceIdOf, memoryCodec, NOTIFICATIONS, PREFIX, T0 } from '../testing/fixture.ts';
import { type ReadNotification, readNotification } from './read-notification.ts';

const { registry, codec } = await memoryCodec();
const outgoing = createOutgoing({ codec, prefix: PREFIX, partitions: 1, publishTopics: [] });
const instanceId = instanceIdOf(1);
const taskId = `${instanceId}.pick`;

async function read(value: Buffer | null, key: string | null = instanceId, maxBytes = 10_000): Promise<ReadNotification> {
  const record: LogRecord = {
    ...{ topic: NOTIFICATIONS, partition: 3, offset: 42n, timestamp: 0, headers: [] },
    ...{ key: key === null ? null : Buffer.from(key), value },
  };
  return await readNotification(record, codec, maxBytes);
}

const outcome = {
  ...{ taskId, instanceId, attempt: 1, basis: 'b', status: 'completed', output: '{"a":1}' as string | null },
  ...{
    errorCode: null as string | null,
    errorMessage: null as string | null,
    retryable: null as boolean | null,
    errorDetails: null as string | null,
    continuing: null as TaskOutcome['continuing'],
    outputReference: null as TaskOutcome['outputReference'],
  },
  ...{ retryAfterMs: null as number | null, worker: 'w', startedAt: T0, finishedAt: T0 },
};
const command = {
  ...{ commandId: String(commandIdOf(1)), instanceId: String(instanceId), type: 'pause', taskId: null as string | null },
  ...{ attempt: null as number | null, payload: null as string | null, by: 'ada', at: T0 },
  ...{
    outcome: null as string | null,
    comment: null as string | null,
    delegateTo: null as string | null,
    passedOnBy: null as string | null,
  },
};
const match = {
  ...{ instanceId: String(instanceId), taskId, attempt: 1, wait: 0, eventRowId: '7', eventId: 'e', eventType: 't', eventSource: 's' },
  ...{ eventKey: 'k', eventTime: T0, data: '{}', whereError: null },
};

const ofOutcome = (change: Partial<typeof outcome>): Buffer => codec.encode('TaskOutcome', NOTIFICATIONS, { ...outcome, ...change });
const ofCommand = (change: Partial<typeof command>): Buffer => codec.encode('CommandIssued', NOTIFICATIONS, { ...command, ...change });
const ofMatch = (change: Partial<typeof match>): Buffer => codec.encode('EventMatched', NOTIFICATIONS, { ...match, ...change });

describe('a notification', () => {
  const batches: readonly (readonly [string, Buffer, Notification])[] = [
    [
      'of a completed task',
      ofOutcome({}),
      { type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b', result: { status: 'completed', output: { a: 1 } } },
    ],
    [
      'of a task that completed with nothing',
      ofOutcome({ output: null }),
      { type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b', result: { status: 'completed', output: null } },
    ],
    [
      'of a failed task',
      ofOutcome({ status: 'failed', errorCode: 'BUSY', retryable: false, retryAfterMs: 5 }),
      {
        ...{ type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b' },
        result: { status: 'failed', error: { code: 'BUSY', message: '' }, retryable: false, retryAfterMs: 5 },
      },
    ],
    [
      'of a task whose server said why',
      ofOutcome({ status: 'failed', errorCode: 'HTTP_402', errorDetails: '{"status":402}' }),
      {
        ...{ type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b' },
        result: {
          ...{ status: 'failed', retryable: true, retryAfterMs: null },
          error: { code: 'HTTP_402', message: '', details: { status: 402 } },
        },
      },
    ],
    ...[`"${'x'.repeat(4_096)}"`, 'no JSON', '12345678901234567890', '"\\u0000"'].map(
      (errorDetails): readonly [string, Buffer, Notification] => [
        `of a task whose server said what cannot be kept: ${errorDetails.slice(0, 20)}`,
        ofOutcome({ status: 'failed', errorCode: 'NO', errorDetails }),
        {
          ...{ type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b' },
          result: { status: 'failed', error: { code: 'NO', message: '' }, retryable: true, retryAfterMs: null },
        } as Notification,
      ],
    ),
    [
      'of a task that timed out, which may be tried again unless it says otherwise',
      ofOutcome({ status: 'timedOut', errorCode: 'TIMEOUT', errorMessage: 'slow', retryAfterMs: -5 }),
      {
        ...{ type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b' },
        result: { status: 'timedOut', error: { code: 'TIMEOUT', message: 'slow' }, retryable: true, retryAfterMs: null },
      },
    ],
    [
      'of a task whose error another client wrote without an end, which is cut',
      ofOutcome({ status: 'failed', errorCode: 'C'.repeat(200), errorMessage: 'm'.repeat(3_000) }),
      {
        ...{ type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b' },
        result: {
          ...{ status: 'failed', retryable: true, retryAfterMs: null },
          error: { code: `${'C'.repeat(100)}…`, message: `${'m'.repeat(2_000)}…` },
        },
      },
    ],
    [
      'of a task that a worker gave back',
      ofOutcome({ status: 'returned', output: null }),
      { type: 'TaskOutcome', path: 'pick', attempt: 1, basis: 'b', result: { status: 'returned' } },
    ],
    [
      'of an event that matched',
      ofMatch({}),
      {
        ...{ type: 'EventMatched', path: 'pick', attempt: 1, wait: 0, eventRowId: '7', whereError: null },
        event: { id: 'e', type: 't', source: 's', key: 'k', time: '2026-01-01T00:00:00.000Z', data: {} },
      },
    ],
    [
      'of a timer',
      outgoing.ofTimer({ instanceId, timerId: 'pick#retry', kind: 'retry', path: 'pick', attempt: 1, dueAt: T0 } as never).payload,
      { type: 'TimerFired', timerId: 'pick#retry', kind: 'retry', dueAt: T0 },
    ],
  ] as readonly (readonly [string, Buffer, Notification])[];

  test.each(batches)('%s is read', async (_, value, notification) => {
    expect(await read(value)).toMatchObject({
      ok: true,
      received: { instanceId, cause: `${NOTIFICATIONS}/3@42`, notification },
    });
  });

  const commands = [
    { type: 'cancel', reason: 'no need' },
    { type: 'cancel', reason: null },
    { type: 'pause' },
    { type: 'resume' },
    { type: 'retry', path: null, raisedBy: null },
    { type: 'retry', path: null, raisedBy: { pick: 2, '': 0 } },
    { type: 'retry', path: 'pick', raisedBy: null },
    { type: 'retry', path: 'pick', raisedBy: { pick: 3 } },
    { type: 'completeTask', path: 'pick', attempt: 2, output: { approved: true } },
    { type: 'completeTask', path: 'pick', attempt: 2, output: null },
    { type: 'failTask', path: 'pick', attempt: 1, error: { code: 'NO', message: 'not today' } },
    { type: 'setVars', vars: { x: 1 }, reason: 'a typo' },
    { type: 'completeNode', path: 'pick', attempt: 2, output: { done: true }, reason: null },
    { type: 'skipNode', path: 'pick', attempt: 1, reason: 'not needed' },
    { type: 'redispatch', path: 'pick', attempt: 2 },
  ] as const;

  test.each(commands)('of the command $type is read as it was issued', async (given) => {
    const issued = { type: 'CommandIssued', commandId: commandIdOf(1), by: 'ada', command: given } as const;
    const { payload } = outgoing.ofCommand(instanceId, issued as never, T0);
    expect(await read(payload)).toMatchObject({ ok: true, received: { notification: issued } });
  });

  test('of a retry that a parent passes on names the parent', async () => {
    const command = { type: 'retry', path: null, raisedBy: null } as const;
    const issued = { type: 'CommandIssued', commandId: commandIdOf(1), by: 'ada', passedOnBy: instanceIdOf(2), command } as const;
    const { payload } = outgoing.ofCommand(instanceId, issued, T0);
    expect(await read(payload)).toMatchObject({ ok: true, received: { notification: issued } });
  });
});

describe('what is none', () => {
  const timer = codec.encode('TimerFired', NOTIFICATIONS, {
    ...{ instanceId, timerId: '', kind: 'wait', taskId: null, attempt: 1, dueAt: T0 },
  });
  const batches: readonly (readonly [string, Buffer | null, string])[] = [
    ['a tombstone', null, 'MR_TOMBSTONE'],
    ['unframed bytes', Buffer.from('{"a":1}'), 'MR_NOT_FRAMED'],
    ['an unknown schema id', Buffer.from([0, 0, 0, 9, 9, 1, 2]), 'MR_SCHEMA_UNKNOWN'],
    ['a record of another topic', codec.encode('ExternalEvent', 'p.events', { ...eventOf() }), 'MR_SCHEMA_MISMATCH'],
    ['bytes that its schema does not describe', ofOutcome({}).subarray(0, 20), 'MR_SCHEMA_MISMATCH'],
    ['a record above the limit', ofOutcome({ output: JSON.stringify('x'.repeat(20_000)) }), 'MR_TOO_LARGE'],
    ['an instance that is no id', ofOutcome({ instanceId: 'x' as never }), 'MR_MESSAGE_INVALID'],
    ['a task of another instance', ofOutcome({ taskId: `${instanceIdOf(2)}.pick` }), 'MR_MESSAGE_INVALID'],
    ['a status that nobody knows', ofOutcome({ status: 'dreaming' }), 'MR_MESSAGE_INVALID'],
    ['an output that is not JSON', ofOutcome({ output: '{' }), 'MR_MESSAGE_INVALID'],
    ['a failure without a code', ofOutcome({ status: 'failed' }), 'MR_MESSAGE_INVALID'],
    ['a command that nobody knows', ofCommand({ type: 'explode' }), 'MR_MESSAGE_INVALID'],
    ['a commandId that is none', ofCommand({ commandId: 'x' }), 'MR_MESSAGE_INVALID'],
    ['a command for a task of another instance', ofCommand({ type: 'retry', taskId: `${instanceIdOf(2)}.pick` }), 'MR_MESSAGE_INVALID'],
    ['a payload that is not JSON', ofCommand({ type: 'cancel', payload: '{' }), 'MR_MESSAGE_INVALID'],
    ['a completion without a task', ofCommand({ type: 'completeTask', attempt: 1, payload: '{}' }), 'MR_MESSAGE_INVALID'],
    ['a completion without an attempt', ofCommand({ type: 'completeTask', taskId, payload: '{}' }), 'MR_MESSAGE_INVALID'],
    ['a correction without a payload', ofCommand({ type: 'skipNode', taskId, attempt: 1 }), 'MR_MESSAGE_INVALID'],
    ['a correction without an attempt', ofCommand({ type: 'completeNode', taskId, payload: '{}' }), 'MR_MESSAGE_INVALID'],
    ['a correction without a task', ofCommand({ type: 'skipNode', attempt: 1, payload: '{}' }), 'MR_MESSAGE_INVALID'],
    ['a change of variables without any', ofCommand({ type: 'setVars', payload: '{"vars":1}' }), 'MR_MESSAGE_INVALID'],
    ['a failure without an attempt', ofCommand({ type: 'failTask', taskId, payload: '{"code":"NO","message":""}' }), 'MR_MESSAGE_INVALID'],
    ['a failure without an error', ofCommand({ type: 'failTask', taskId, attempt: 1, payload: '{}' }), 'MR_MESSAGE_INVALID'],
    ['a dispatch without an attempt', ofCommand({ type: 'redispatch', taskId }), 'MR_MESSAGE_INVALID'],
    ['a timer without an id', timer, 'MR_MESSAGE_INVALID'],
    ['a match with a row that is none', ofMatch({ eventRowId: "1'" }), 'MR_MESSAGE_INVALID'],
    ['a match with data that is not JSON', ofMatch({ data: '' }), 'MR_MESSAGE_INVALID'],
    ['a match for a task of another instance', ofMatch({ taskId: 'x' }), 'MR_MESSAGE_INVALID'],
  ];

  test.each(batches)('%s is an invalid message', async (_, value, code) => {
    expect(await read(value)).toMatchObject({ ok: false, invalid: { code }, instanceId });
  });

  test.each([
    ['without a key', null, 'MR_NO_KEY', null],
    ['with an empty key', '', 'MR_NO_KEY', null],
    ['with another key', instanceIdOf(2), 'MR_MESSAGE_INVALID', instanceIdOf(2)],
  ])('a record %s is an invalid message', async (_, key, code, told) => {
    expect(await read(ofOutcome({}), key)).toMatchObject({ ok: false, invalid: { code }, instanceId: told });
  });

  test('says nothing of the registry being away', async () => {
    registry.available = false;
    await expect(read(Buffer.from([0, 0, 0, 8, 8, 1]))).rejects.toMatchObject({ retryable: true });
    registry.available = true;
  });
});

function eventOf() {
  return { id: 'e', type: 't', source: 's', key: 'k', time: null, data: '{}' };
}
