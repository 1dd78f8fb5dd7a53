/** Input that cannot be read or applied becomes dead letters with their bytes, and incidents. */
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { deadLetterOf, openCases, pickedUp, smallRecords, statusIs } from '../support/orchestrator-cases.ts';
import type { OrchestratorLab, RawRecord, TestOrchestrator } from '../support/orchestrator-lab.ts';

let lab: OrchestratorLab;
let orchestrator: TestOrchestrator;
let order: Definition;
let payment: Definition;

beforeAll(async () => {
  ({ lab, order, payment } = await openCases('orchestrator-input'));
  orchestrator = await lab.run(smallRecords);
});
afterAll(async () => {
  await orchestrator?.stop();
  await lab?.close();
});

const junk = (): Buffer => Buffer.from(`junk ${uuidv7()}`);
const unknownSchema = (): Buffer => Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]), Buffer.from(uuidv7())]);

describe('bad input on the notifications becomes a dead letter with its bytes, and the rest goes on', () => {
  const kinds: readonly (readonly [string, string, (id: InstanceId) => RawRecord | Promise<RawRecord>])[] = [
    ['unframed bytes', 'MR_NOT_FRAMED', (id) => ({ key: id, value: junk() })],
    ['an unknown schema id', 'MR_SCHEMA_UNKNOWN', (id) => ({ key: id, value: unknownSchema() })],
    ['a wrong record', 'MR_SCHEMA_MISMATCH', (id) => ({ key: id, value: lab.event({ type: 't', key: 'k' }).value })],
    ['no key', 'MR_NO_KEY', async (id) => ({ ...(await lab.outcome(id, 'pick', { worker: uuidv7() })), key: null })],
    [
      'a key that is not its instance',
      'MR_MESSAGE_INVALID',
      async (id) => ({ ...(await lab.outcome(id, 'pick', { worker: uuidv7() })), key: uuidv7() }),
    ],
    [
      'an unknown instance',
      'MR_INSTANCE_UNKNOWN',
      async (id) => {
        const instanceId = uuidv7();
        return { ...(await lab.outcome(id, 'pick', { instanceId, taskId: `${instanceId}.pick` })), key: instanceId };
      },
    ],
    [
      'more than the limit of records',
      'MR_TOO_LARGE',
      (id) => lab.outcome(id, 'pick', { worker: uuidv7(), output: JSON.stringify('x'.repeat(760_000)) }),
    ],
    ['a tombstone', 'MR_TOMBSTONE', (id) => ({ key: id, value: null })],
  ];

  test.each(kinds)(
    '%s',
    async (_, code, make) => {
      const id = await lab.start(order);
      const headers = [{ key: 'trace', value: Buffer.from('abc') }];
      const bad = await make(id);
      await lab.notify({ ...bad, headers }, await lab.outcome(id, 'pick'));
      await pickedUp(lab, id);
      const deadLetter = await deadLetterOf(lab, bad.value, code);
      expect(deadLetter).toMatchObject({ topic: lab.names.notifications, headers });
      expect(deadLetter.key?.toString() ?? null).toBe(bad.key);
      // Each starts a JVM of its own.
    },
    180_000,
  );
});

describe('bad input on the events becomes a dead letter with its bytes, and the rest goes on', () => {
  const cloud = (changes: Readonly<Record<string, string>>) =>
    Object.entries({ ce_specversion: '1.0', ce_type: 'payment.confirmed', ce_source: 's', ce_id: uuidv7(), ...changes }).map(
      ([key, value]) => ({
        key,
        value: Buffer.from(value),
      }),
    );
  const kinds: readonly (readonly [string, string, () => RawRecord])[] = [
    ['unframed bytes', 'MR_NOT_FRAMED', () => ({ key: 'k', value: junk() })],
    ['an unknown schema id', 'MR_SCHEMA_UNKNOWN', () => ({ key: 'k', value: unknownSchema() })],
    [
      'a wrong record',
      'MR_SCHEMA_MISMATCH',
      () => {
        const instanceId = uuidv7() as InstanceId;
        return { key: 'k', value: lab.command(instanceId, { type: 'pause' }).value };
      },
    ],
    ['no key', 'MR_NO_KEY', () => ({ key: null, value: Buffer.from(`"${uuidv7()}"`), headers: cloud({}) })],
    ['no correlation key', 'MR_NO_KEY', () => ({ ...lab.event({ type: 'payment.confirmed', key: '' }), key: 'k' })],
    ['data that is not JSON', 'MR_EVENT_INVALID', () => ({ key: 'k', value: Buffer.from(`{ ${uuidv7()}`), headers: cloud({}) })],
    ['data in UTF-16', 'MR_EVENT_INVALID', () => ({ key: 'k', value: Buffer.from(`\ufeff"${uuidv7()}"`, 'utf16le'), headers: cloud({}) })],
    ['the same key twice', 'MR_EVENT_INVALID', () => lab.event({ type: 'payment.confirmed', key: 'k', data: '{"amount":1,"amount":2}' })],
    ['a key of 501 characters', 'MR_EVENT_INVALID', () => lab.event({ type: 'payment.confirmed', key: 'k'.repeat(501) })],
    [
      'a time that is none',
      'MR_EVENT_INVALID',
      () => ({ key: 'k', value: Buffer.from(`"${uuidv7()}"`), headers: cloud({ ce_time: '2023-01-19T22:30:24.860213GMT' }) }),
    ],
    [
      'structured mode in another format than JSON',
      'MR_EVENT_INVALID',
      () => ({ key: 'k', value: Buffer.from(uuidv7()), headers: cloud({ 'content-type': 'application/cloudevents+avro' }) }),
    ],
    [
      'a number that a double would change',
      'MR_NUMBER_UNSAFE',
      () => lab.event({ type: 'payment.confirmed', key: 'k', data: '{"n":9007199254740993}' }),
    ],
    [
      'more than the limit of payloads',
      'MR_TOO_LARGE',
      () => lab.event({ type: 'payment.confirmed', key: 'k', data: JSON.stringify('x'.repeat(600_000)) }),
    ],
  ];

  test.each(kinds)('%s', async (_, code, make) => {
    const key = uuidv7();
    const id = await lab.start(payment, { key });
    const bad = make();
    await lab.sendEvents(bad, lab.event({ type: 'payment.confirmed', key }));
    const deadLetter = await eventually(async () => {
      const found = (await lab.deadLetters()).filter(({ topic }) => topic === lab.names.events);
      const own = found.find((each) => each.code === code && (bad.value === null ? each.value === null : each.value?.equals(bad.value)));
      if (own === undefined) throw new Error(`no dead letter ${code}`);
      return own;
    });
    expect(deadLetter.headers).toEqual(bad.headers ?? []);
    await eventuallyHas(
      async () => (await lab.outbox(id)).map(({ messageType }) => messageType),
      (types) => types.includes('EventMatched'),
    );
  });
});

test('what is no dead letter in the topic of dead letters is counted, and the next one is indexed', async () => {
  await lab.producer.send([{ topic: lab.names.deadLetters, key: null, value: junk() }]);
  await eventually(async () => expect(await orchestrator.counted('dead_letters_total', { topic: lab.names.deadLetters })).toBe(1));
  const value = junk();
  await lab.notify({ key: 'k', value });
  await deadLetterOf(lab, value, 'MR_NOT_FRAMED');
});

const gift = {
  nodes: {
    pick: { type: 'task', task: 'pick' },
    double: { type: 'transform', output: { twice: ['${ nodes.pick.output }', '${ nodes.pick.output }', '${ nodes.pick.output }'] } },
    pack: { type: 'task', task: 'pack', input: '${ nodes.double.output }' },
  },
  edges: [
    { from: 'pick', to: 'double' },
    { from: 'double', to: 'pack' },
  ],
};
/** Within the limit of payloads; three times it is more than a record holds. */
const large = JSON.stringify('x'.repeat(400_000));

test('a value above the limit of payloads brings the node that makes it under incident; other instances go on', async () => {
  const gifts = await lab.deploy({ id: 'gifts', ...gift });
  const [heavy, light] = [await lab.start(gifts), await lab.start(gifts)];
  await lab.notify(await lab.outcome(heavy, 'pick', { output: large }), await lab.outcome(light, 'pick'));
  await statusIs(lab, heavy, 'incident');
  expect(await lab.state(heavy)).toMatchObject({
    incidents: { double: { phase: 'open', error: { code: 'MR_VALUE_UNFIT', message: expect.stringContaining('at most 524288') } } },
  });
  await pickedUp(lab, light);
});

test('a message that the outbox never takes fails its task with the reason; other instances go on', async () => {
  const gifts = await lab.deploy({ id: 'more-gifts', ...gift });
  const [heavy, light] = [await lab.start(gifts), await lab.start(gifts)];
  await orchestrator.stop();
  // Its limits were raised without `millrace migrate`, which sets the limit of the outbox.
  const generous = await lab.run({ MILLRACE_MAX_MESSAGE_BYTES: '4000000', MILLRACE_LIMIT_PAYLOAD_BYTES: '3000000' });
  try {
    await lab.notify(await lab.outcome(heavy, 'pick', { output: large }), await lab.outcome(light, 'pick'));
    await statusIs(lab, heavy, 'incident');
    expect(await lab.state(heavy)).toMatchObject({ incidents: { pick: { error: { code: 'MR_MESSAGE_TOO_LARGE' } } } });
    await pickedUp(lab, light);
  } finally {
    await generous.stop();
    orchestrator = await lab.run(smallRecords);
  }
});

test('an event that an instance cannot take in is an incident, and the wait that a retry opens takes it', async () => {
  const kept = await lab.deploy({
    id: 'kept-payment',
    nodes: { paid: { type: 'event', event: 'payment.kept', key: '${ input.key }', set: { bytes: '${ nodes.paid.output.data }' } } },
  });
  const key = uuidv7();
  const id = await lab.start(kept, { key });
  await orchestrator.stop();
  const strict = await lab.run({ MILLRACE_LIMIT_STATE_BYTES: '65536' });
  try {
    await lab.sendEvents(lab.event({ type: 'payment.kept', key, data: JSON.stringify('x'.repeat(100_000)) }));
    await eventually(async () => expect((await lab.outbox(id)).map(({ messageType }) => messageType)).toContain('EventMatched'));
    await lab.forward(id);
    await statusIs(lab, id, 'incident');
    expect(await lab.state(id)).toMatchObject({ incidents: { paid: { phase: 'message', error: { code: 'MR_STATE_TOO_LARGE' } } } });
  } finally {
    await strict.stop();
    orchestrator = await lab.run(smallRecords);
  }
  const before = (await lab.outbox(id)).length;
  await lab.notify(lab.command(id, { type: 'retry', path: null }));
  await eventually(async () =>
    expect((await lab.outbox(id)).slice(before).map(({ messageType }) => messageType)).toContain('EventMatched'),
  );
  await lab.forward(id, before);
  await statusIs(lab, id, 'completed');
});
