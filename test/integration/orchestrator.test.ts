/** Orchestrators on a real broker, registry and database: what they make of good and of bad input, and of outages. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import { statusOf } from '../../src/core/instance/index.ts';
import { redispatchConfigGroups, redispatchOnce } from '../../src/orchestrator/main.ts';
import { loadConfig } from '../../src/service/config.ts';
import { createLogger } from '../../src/service/logging.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { produceByJava } from '../support/java-producer.ts';
import { OrchestratorLab, type RawRecord, type TestOrchestrator } from '../support/orchestrator-lab.ts';

let lab: OrchestratorLab;
let orchestrator: TestOrchestrator;
let order: Definition;
let payment: Definition;

beforeAll(async () => {
  lab = await OrchestratorLab.open('orchestrator-lab');
  order = await lab.deploy({
    id: 'order',
    nodes: { pick: { type: 'task', task: 'pick', timeout: '1s' }, pack: { type: 'task', task: 'pack' } },
    edges: [{ from: 'pick', to: 'pack' }],
  });
  payment = await lab.deploy({ id: 'payment', nodes: { paid: { type: 'event', event: 'payment.confirmed', key: '${ input.key }' } } });
  orchestrator = await runOrchestrator();
});
afterAll(async () => {
  await orchestrator?.stop();
  await lab?.close();
});

/** It takes less than its topics do, as where somebody lowered the limit later: larger records are there already. */
async function runOrchestrator(): Promise<TestOrchestrator> {
  return await lab.run({ MILLRACE_MAX_MESSAGE_BYTES: '750000' });
}

async function statusIs(instanceId: InstanceId, status: string): Promise<void> {
  await eventuallyHas(
    async () => statusOf(await lab.state(instanceId)),
    (found) => found === status,
    { what: 'status' },
  );
}

async function pickedUp(instanceId: InstanceId): Promise<void> {
  await eventually(async () => expect(await lab.state(instanceId)).toMatchObject({ tasks: { pick: { status: 'completed' } } }));
}

async function deadLetterOf(value: Buffer | null, code: string) {
  return await eventually(async () => {
    const found = (await lab.deadLetters()).find(
      (deadLetter) => deadLetter.code === code && (value === null ? deadLetter.value === null : deadLetter.value?.equals(value)),
    );
    if (found === undefined) throw new Error(`no dead letter ${code}`);
    return found;
  });
}

describe('an instance', () => {
  test('is moved on by the outcomes of its tasks, with the next task in the outbox', async () => {
    const id = await lab.start(order);
    await lab.notify(await lab.outcome(id, 'pick', { output: '{"shelf":7}' }));
    await pickedUp(id);
    expect((await lab.outbox(id)).map(({ messageType }) => messageType)).toEqual(['TaskScheduled', 'InstanceChanged', 'TaskScheduled']);
    await lab.notify(await lab.outcome(id, 'pack'));
    await statusIs(id, 'completed');
    const history = await lab.queries.history(id, 0, 100);
    expect(history.at(-1)?.cause).toMatch(/^orchestrator-lab\.notifications\/\d@\d+$/);
  });

  test('is moved on by commands, which get their result', async () => {
    const id = await lab.start(order);
    await lab.notify(lab.command(id, { type: 'pause' }));
    await statusIs(id, 'paused');
    await lab.notify(lab.command(id, { type: 'resume' }), lab.command(id, { type: 'cancel', reason: null }));
    await statusIs(id, 'cancelled');
  });

  test('is woken by its timer, which leaves by the outbox', async () => {
    const nap = await lab.deploy({ id: 'nap', nodes: { sleep: { type: 'wait', for: '50ms' } } });
    const id = await lab.start(nap);
    await eventuallyHas(
      async () => (await lab.outbox(id)).map(({ messageType }) => messageType),
      (types) => types.includes('TimerFired'),
    );
    await lab.forward(id);
    await statusIs(id, 'completed');
  });

  test('goes on with whichever orchestrator has its partition', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => lab.start(order)));
    const second = await lab.run();
    await Promise.all(ids.map(async (id) => lab.notify(await lab.outcome(id, 'pick'))));
    await Promise.all(ids.map(pickedUp));
    await second.stop();
    await Promise.all(ids.map(async (id) => lab.notify(await lab.outcome(id, 'pack'))));
    await Promise.all(ids.map((id) => statusIs(id, 'completed')));
  });
});

describe('what is harmless', () => {
  test('outcomes that come twice, late, or for an instance that has ended are counted and dropped', async () => {
    const before = await orchestrator.counted('notifications_rejected_total');
    const id = await lab.start(order);
    const first = await lab.outcome(id, 'pick');
    await lab.notify(first, first, await lab.outcome(id, 'pick', { attempt: 7 }));
    await pickedUp(id);
    const last = await lab.outcome(id, 'pack');
    await lab.notify(last);
    await statusIs(id, 'completed');
    await lab.notify(last, first);
    await eventually(async () => expect(await orchestrator.counted('notifications_rejected_total')).toBe(before + 4));
    expect(await orchestrator.counted('notifications_rejected_total', { code: 'MR_INSTANCE_ENDED' })).toBeGreaterThanOrEqual(2);
    expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'TaskScheduled')).toHaveLength(2);
    expect((await lab.deadLetters()).filter(({ instanceId }) => instanceId === id)).toEqual([]);
  });

  test('an event that comes twice reaches a wait once', async () => {
    const key = uuidv7();
    const before = await orchestrator.counted('events_total', { result: 'duplicate' });
    const id = await lab.start(payment, { key });
    const event = lab.event({ type: 'payment.confirmed', key });
    await lab.sendEvents(event, event);
    await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'duplicate' })).toBe(before + 1));
    await lab.sendEvents(event);
    await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'duplicate' })).toBe(before + 2));
    expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'EventMatched')).toHaveLength(1);
    await lab.forward(id);
    await statusIs(id, 'completed');
  });

  test('two instances that wait for three events of one key both get all three, twenty pairs at once', async () => {
    const thrice = await lab.deploy({
      id: 'thrice',
      nodes: { paid: { type: 'event', event: 'payment.confirmed', key: '${ input.key }', count: 3 } },
    });
    const pairs = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const key = uuidv7();
        return { key, ids: [await lab.start(thrice, { key }), await lab.start(thrice, { key })] };
      }),
    );
    // All three come before either instance was told of the first.
    for (let n = 0; n < 3; n++) await lab.sendEvents(...pairs.map(({ key }) => lab.event({ type: 'payment.confirmed', key })));
    for (const id of pairs.flatMap(({ ids }) => ids)) {
      await eventually(async () =>
        expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'EventMatched')).toHaveLength(3),
      );
      await lab.forward(id);
      await statusIs(id, 'completed');
    }
  });

  test('an event of a type that no definition names is counted and dropped', async () => {
    const before = await orchestrator.counted('events_total', { result: 'ignored' });
    await lab.sendEvents(lab.event({ type: 'nobody.waits', key: 'k' }));
    await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'ignored' })).toBe(before + 1));
  });
});

describe('events', () => {
  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'compressed with %s by a producer that is not ours are read',
    async (compression) => {
      const key = uuidv7();
      const id = await lab.start(payment, { key });
      const headers = `ce_specversion:1.0,ce_id:${uuidv7()},ce_type:payment.confirmed,ce_source:java,content-type:application/json`;
      const data = JSON.stringify({ amount: 12.5, note: 'x'.repeat(2_000) });
      await produceByJava({ brokers: lab.env.KAFKA_BROKERS ?? '', topic: lab.names.events, compression, records: [[key, data, headers]] });
      await eventuallyHas(
        async () => (await lab.outbox(id)).map(({ messageType }) => messageType),
        (types) => types.includes('EventMatched'),
      );
      await lab.forward(id);
      await statusIs(id, 'completed');
      expect((await lab.state(id)).output).toBeNull();
      expect(await lab.state(id)).toMatchObject({ tasks: { paid: { output: { source: 'java', data: { amount: 12.5 } } } } });
    },
  );
});

/** Each has its own bytes, so that its dead letter is told from others. */
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
      await pickedUp(id);
      const deadLetter = await deadLetterOf(bad.value, code);
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
    ['a tombstone', 'MR_TOMBSTONE', () => ({ key: 'k', value: null })],
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
  await deadLetterOf(value, 'MR_NOT_FRAMED');
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
  await statusIs(heavy, 'incident');
  expect(await lab.state(heavy)).toMatchObject({
    incidents: { double: { phase: 'open', error: { code: 'MR_VALUE_UNFIT', message: expect.stringContaining('at most 524288') } } },
  });
  await pickedUp(light);
});

test('a message that the outbox never takes fails its task with the reason; other instances go on', async () => {
  const gifts = await lab.deploy({ id: 'more-gifts', ...gift });
  const [heavy, light] = [await lab.start(gifts), await lab.start(gifts)];
  await orchestrator.stop();
  // Its limits were raised without `millrace migrate`, which tells the outbox.
  const generous = await lab.run({ MILLRACE_MAX_MESSAGE_BYTES: '4000000', MILLRACE_LIMIT_PAYLOAD_BYTES: '3000000' });
  try {
    await lab.notify(await lab.outcome(heavy, 'pick', { output: large }), await lab.outcome(light, 'pick'));
    await statusIs(heavy, 'incident');
    expect(await lab.state(heavy)).toMatchObject({ incidents: { pick: { error: { code: 'MR_MESSAGE_TOO_LARGE' } } } });
    await pickedUp(light);
  } finally {
    await generous.stop();
    orchestrator = await runOrchestrator();
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
    await statusIs(id, 'incident');
    expect(await lab.state(id)).toMatchObject({ incidents: { paid: { phase: 'message', error: { code: 'MR_STATE_TOO_LARGE' } } } });
  } finally {
    await strict.stop();
    orchestrator = await runOrchestrator();
  }
  const before = (await lab.outbox(id)).length;
  await lab.notify(lab.command(id, { type: 'retry', path: null }));
  await eventually(async () =>
    expect((await lab.outbox(id)).slice(before).map(({ messageType }) => messageType)).toContain('EventMatched'),
  );
  await lab.forward(id, before);
  await statusIs(id, 'completed');
});

describe('an outage', () => {
  test('of the database pauses: nothing is lost, nothing becomes a dead letter', async () => {
    const deadLetters = (await lab.deadLetters()).length;
    const ids = [await lab.start(order), await lab.start(order)];
    const outcomes = await Promise.all(ids.map((id) => lab.outcome(id, 'pick')));
    const key = uuidv7();
    const waiting = await lab.start(payment, { key });
    await lab.allowConnections(false);
    try {
      await lab.notify(...outcomes);
      await lab.sendEvents(lab.event({ type: 'payment.confirmed', key }));
      // It has met them, and waits.
      await eventually(async () =>
        expect(await orchestrator.counted('consumer_lag_records', { group: 'orchestrator-lab.orchestrator' })).toBeGreaterThan(0),
      );
    } finally {
      await lab.allowConnections(true);
    }
    await Promise.all(ids.map(pickedUp));
    await eventuallyHas(
      async () => (await lab.outbox(waiting)).map(({ messageType }) => messageType),
      (types) => types.includes('EventMatched'),
    );
    expect(await lab.deadLetters()).toHaveLength(deadLetters);
  });

  test('of the registry pauses what needs it: nothing is lost, nothing becomes a dead letter', async () => {
    const deadLetters = (await lab.deadLetters()).length;
    await orchestrator.stop();
    const registry = await FlakyRegistry.open(lab.env.SCHEMA_REGISTRY_URL ?? '');
    orchestrator = await lab.run({ SCHEMA_REGISTRY_URL: registry.url });
    try {
      // It has never read a notification, so it must ask for the schema.
      registry.away = true;
      const id = await lab.start(order);
      await lab.notify(await lab.outcome(id, 'pick'));
      await eventually(() => expect(registry.refused).toBeGreaterThan(1));
      expect(await lab.state(id)).toMatchObject({ tasks: { pick: { status: 'scheduled' } } });
      registry.away = false;
      await pickedUp(id);
      expect(await lab.deadLetters()).toHaveLength(deadLetters);
    } finally {
      await orchestrator.stop();
      await registry.close();
      orchestrator = await lab.run();
    }
  });
});

describe('a task with nothing in flight', () => {
  /** As if it had been dispatched long ago and its record were published and lost. */
  async function strand(): Promise<InstanceId> {
    const id = await lab.start(order);
    await lab.databases.query(`UPDATE task SET dispatched_at = now() - interval '1 hour' WHERE instance_id = $1`, [id]);
    await lab.databases.query('SELECT pg_replication_slot_advance($1, pg_current_wal_insert_lsn())', [lab.databases.slot]);
    return id;
  }

  async function isSentAgain(id: InstanceId): Promise<void> {
    const rows = await eventuallyHas(
      async () => {
        await lab.databases.query('SELECT pg_replication_slot_advance($1, pg_current_wal_insert_lsn())', [lab.databases.slot]);
        return await lab.outbox(id);
      },
      (found) => found.some(({ messageType }) => messageType === 'CommandIssued'),
    );
    await lab.forward(
      id,
      rows.findIndex(({ messageType }) => messageType === 'CommandIssued'),
    );
    await eventually(async () =>
      expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'TaskScheduled').length).toBeGreaterThan(1),
    );
    // The same attempt, so that an outcome of either record counts, once.
    await lab.notify(await lab.outcome(id, 'pick'));
    await pickedUp(id);
  }

  test('is dispatched again by the orchestrator itself', async () => {
    const eager = await lab.run({ MILLRACE_REDISPATCH_INTERVAL: '1s' });
    await orchestrator.stop();
    try {
      await isSentAgain(await strand());
    } finally {
      await eager.stop();
      orchestrator = await lab.run();
    }
  });

  /** @param waitMs long enough for a mark and a look after it. */
  async function redispatch(waitMs: number) {
    const log = createLogger({ name: 'test', level: 'silent' });
    return await redispatchOnce(loadConfig(lab.env, redispatchConfigGroups), { waitMs, force: false, log });
  }

  test('is dispatched again when a person asks for it', async () => {
    const id = await strand();
    const asking = redispatch(20_000);
    await isSentAgain(id);
    expect((await asking).redispatched).toBeGreaterThan(0);
  });

  test.each([
    ['the outbox has yet to be published again', 'INSERT INTO outbox_republish DEFAULT VALUES', 'DELETE FROM outbox_republish'],
    [
      'the slot was not confirmed since it was made',
      'UPDATE outbox_slot SET created_at_lsn = created_at_lsn + 1e12',
      'UPDATE outbox_slot SET created_at_lsn = created_at_lsn - 1e12',
    ],
  ])('is left alone while nobody can tell what was published, since %s', async (_, begin, end) => {
    const id = await strand();
    await lab.databases.query(begin);
    try {
      const { redispatched, waiting } = await redispatch(2_000);
      expect({ redispatched, isWaiting: waiting > 0 }).toEqual({ redispatched: 0, isWaiting: true });
      expect((await lab.outbox(id)).map(({ messageType }) => messageType)).not.toContain('CommandIssued');
    } finally {
      await lab.databases.query(end);
    }
    const asking = redispatch(20_000);
    await isSentAgain(id);
    expect((await asking).redispatched).toBeGreaterThan(0);
  });
});

/** Passes requests on to the registry, or breaks them off. */
class FlakyRegistry {
  readonly url: string;
  away = false;
  refused = 0;
  readonly #server: Server;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  }

  static async open(target: string): Promise<FlakyRegistry> {
    const { hostname, port, pathname } = new URL(target);
    let registry: FlakyRegistry | undefined;
    const server = createServer((incoming, answer) => {
      if (registry === undefined || registry.away) {
        if (registry !== undefined) registry.refused++;
        answer.socket?.destroy();
        return;
      }
      const { method, url: path, headers } = incoming;
      const passed = request({ hostname, port, method, path, headers }, (given) => {
        answer.writeHead(given.statusCode ?? 502, given.headers);
        given.pipe(answer);
      });
      passed.on('error', () => answer.socket?.destroy());
      incoming.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    registry = new FlakyRegistry(server, pathname);
    return registry;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
