/** Orchestrators while a database or a registry is unavailable, and tasks whose records were lost. */
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import { redispatchConfigGroups, redispatchOnce } from '../../src/orchestrator/main.ts';
import { loadConfig } from '../../src/service/config.ts';
import { createLogger } from '../../src/service/logging.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { FlakyRegistry } from '../support/flaky-registry.ts';
import { openCases, pickedUp, smallRecords } from '../support/orchestrator-cases.ts';
import type { OrchestratorLab, TestOrchestrator } from '../support/orchestrator-lab.ts';

let lab: OrchestratorLab;
let orchestrator: TestOrchestrator;
let order: Definition;
let payment: Definition;

beforeAll(async () => {
  ({ lab, order, payment } = await openCases('orchestrator-away'));
  orchestrator = await lab.run(smallRecords);
});
afterAll(async () => {
  await orchestrator?.stop();
  await lab?.close();
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
      // It has read them, and waits.
      await eventually(async () =>
        expect(await orchestrator.counted('consumer_lag_records', { group: 'orchestrator-away.orchestrator' })).toBeGreaterThan(0),
      );
    } finally {
      await lab.allowConnections(true);
    }
    await Promise.all(ids.map((id) => pickedUp(lab, id)));
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
      await pickedUp(lab, id);
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
    const id = await lab.start(order, {}, Date.now() - 3_600_000);
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
    await pickedUp(lab, id);
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
