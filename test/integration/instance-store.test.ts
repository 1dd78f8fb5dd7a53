/** The contract of instance stores, on Postgres, and what only Postgres can show. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '../../src/store/postgres/connection/pools.ts';
import { createInstanceStore, createPool, type Pool } from '../../src/store/postgres/index.ts';
import { testBooks } from '../contract/books.contract.ts';
import { testEvents } from '../contract/events.contract.ts';
import { testInstanceStore } from '../contract/instance-store.contract.ts';
import { testJobs } from '../contract/jobs.contract.ts';
import { testQueues } from '../contract/queues.contract.ts';
import { testRetention } from '../contract/retention.contract.ts';
import { testScopes } from '../contract/scopes.contract.ts';
import { testWaitsForSeveralEvents } from '../contract/several-events.contract.ts';
import { testTaskOutputs } from '../contract/task-outputs.contract.ts';
import { eventually } from '../support/eventually.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { commandOf, eventOf, matcher, newCommandId, newDefinition, StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

let databases: FreshDatabases;
let pool: Pool;
let given: StoreUnderTest;

beforeAll(async () => {
  databases = await createFreshDatabases('instance_store_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.instances, { connections: 10 });
  given = storeOn(pool, matcher);
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

testInstanceStore(async () => given);
testEvents(async () => given);
testWaitsForSeveralEvents(async () => given);
testScopes(async () => given);
testBooks(async () => given);
testJobs(async () => given);
testQueues(async () => given);
testRetention(async () => given);
testTaskOutputs(async () => given);

describe('on Postgres', () => {
  it('fails a transaction whose connection is lost, and nothing else', async () => {
    const transaction = inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const lost = new Promise((resolve) => client.once('end', resolve));
      await databases.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await lost;
      await client.query('SELECT 1');
    });
    // Vitest, like a process, would end at an error to which nobody listens.
    await expect(transaction).rejects.toMatchObject({ retryable: true });
    expect((await pool.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('refuses a state above its limit, alone', async () => {
    const bounded = createInstanceStore(pool, matcher, { eventTtlMs: 1_000, stateBytesMax: 20_000 });
    const lab = new StoreLab({ ...given, store: bounded });
    const definition = newDefinition({ vars: { kept: '${ input.text }' }, nodes: { nap: { type: 'wait', for: '1h' } }, edges: [] });
    const [small, large] = [
      await lab.decideStart(definition, { text: 'x' }),
      await lab.decideStart(definition, { text: 'ä'.repeat(10_000) }),
    ];
    expect(await bounded.start([large, small])).toMatchObject([
      { kind: 'failed', error: { code: 'MR_STATE_TOO_LARGE', retryable: false } },
      { kind: 'started' },
    ]);
    const { instanceId, after } = small.transition;
    const transition = await lab.decide(definition, instanceId);
    const grown = { ...transition, after: { ...after, vars: { kept: 'x'.repeat(20_000) } }, history: small.transition.history };
    await expect(bounded.apply(0, [grown])).rejects.toMatchObject({ code: 'MR_STATE_TOO_LARGE', retryable: false });
    expect(await lab.stored(instanceId)).toMatchObject({ version: 1 });
  });

  it('answers a command whose own transaction nobody sees yet', async () => {
    const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1h' } }, edges: [] });
    const lab = new StoreLab(given);
    const id = await lab.start(definition);
    const { commandId, partition } = commandOf(id, 'pause');
    const issuer = await pool.connect();
    try {
      const { rows: issuers } = await issuer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await issuer.query('BEGIN');
      await issuer.query(`INSERT INTO command (id, instance_id, partition, type, issued_by) VALUES ($1, $2, $3, 'pause', 'ada')`, [
        ...[commandId, id, partition],
      ]);
      const applying = lab.step(definition, id, { type: 'CommandIssued', commandId, by: 'ada', command: { type: 'pause' } });
      await eventually(async () => {
        const { rows } = await pool.query<{ waiting: boolean }>(
          'SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))) AS waiting',
          [issuers[0]?.pid],
        );
        expect(rows[0]?.waiting).toBe(true);
      });
      await issuer.query('COMMIT');
      await applying;
    } finally {
      issuer.release();
    }
    expect(await given.store.commandResult(commandId)).toMatchObject({ status: 'applied' });
  });

  it('answers a command once, however often it was refused in one batch', async () => {
    const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1h' } }, edges: [] });
    const lab = new StoreLab(given);
    const id = await lab.start(definition);
    const command = commandOf(id, 'resume');
    await given.store.issueCommand(command);
    const { commandId } = command;
    const issued = { type: 'CommandIssued', commandId, by: 'ada', command: { type: 'resume' } } as const;
    await lab.step(definition, id, issued, issued);
    expect(await given.store.commandResult(commandId)).toMatchObject({ status: 'refused', code: 'MR_NOT_PAUSED' });
  });

  it('keeps an event that nobody waits for as long as it was set to, and no longer', async () => {
    const ofStore = async (eventTtlMs: number, key: string) => {
      const store = createInstanceStore(pool, matcher, { eventTtlMs });
      await store.registerEventTypes(['kept']);
      await store.correlate([eventOf('kept', key)], matcher);
      const { rows } = await pool.query<{ left: number }>(
        'SELECT extract(epoch FROM expires_at - now())::float8 * 1000 AS left FROM event_buffer WHERE key = $1',
        [key],
      );
      return rows[0]?.left ?? Number.NaN;
    };
    const left = await ofStore(3_600_000, 'long');
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
    await ofStore(100, 'short');
    await eventually(async () =>
      expect((await pool.query(`SELECT FROM event_buffer WHERE key = 'short' AND expires_at > now()`)).rowCount).toBe(0),
    );
    const lab = new StoreLab(given);
    const waitFor = (key: string) => newDefinition({ nodes: { received: { type: 'event', event: 'kept', key } }, edges: [] });
    expect(await lab.matchesOf(await lab.start(waitFor('short')))).toEqual([]);
    expect(await lab.matchesOf(await lab.start(waitFor('long')))).toHaveLength(1);
  });

  it('delivers nothing to a wait that another key has just used up, and keeps the event for others', async () => {
    const lab = new StoreLab(given);
    const type = 'two.keys';
    await given.store.registerEventTypes([type]);
    const anyOf = [
      { event: type, key: 'one' },
      { event: type, key: 'two' },
    ];
    const other = newDefinition({ nodes: { also: { type: 'event', event: type, key: 'two' } }, edges: [] });
    const definition = newDefinition({
      nodes: { received: { type: 'event', anyOf }, also: { type: 'event', event: type, key: 'two' } },
      edges: [],
    });
    const [id, ofOther] = [await lab.start(definition), await lab.start(other)];
    const holder = await pool.connect();
    try {
      await holder.query('BEGIN');
      const { rows: holders } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      // Like the transaction of the other key, under its own lock.
      await holder.query(`UPDATE wait SET remaining = 0 WHERE instance_id = $1 AND path = 'received'`, [id]);
      const correlated = given.store.correlate([eventOf(type, 'two')], matcher);
      await eventually(async () => {
        const { rows } = await pool.query<{ waiting: boolean }>(
          'SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))) AS waiting',
          [holders[0]?.pid],
        );
        expect(rows[0]?.waiting).toBe(true);
      });
      await holder.query('COMMIT');
      expect(await correlated).toMatchObject({ matched: 2, buffered: 0 });
    } finally {
      holder.release();
    }
    // The younger wait of the same instance has it, and the other instance is not held up.
    expect((await lab.matchesOf(id)).map(({ path }) => path)).toEqual(['also']);
    expect((await lab.matchesOf(ofOther)).map(({ path }) => path)).toEqual(['also']);
  });

  it('goes on offering an event that a process left in the middle, when the record comes again', async () => {
    const lab = new StoreLab(given);
    const type = 'left.in.the.middle';
    await given.store.registerEventTypes([type]);
    const definition = newDefinition({ nodes: { received: { type: 'event', event: type, key: 'k' } }, edges: [] });
    const ids = await Promise.all(Array.from({ length: 30 }, () => lab.start(definition)));
    const event = eventOf(type, 'k');
    let calls = 0;
    const dying = {
      ...matcher,
      encode: (...args: Parameters<typeof matcher.encode>) => {
        if (++calls > 25) throw new Error('the process dies');
        return matcher.encode(...args);
      },
    };
    // Its first transaction ends after 16, since no time is left.
    await expect(given.inPieces.correlate([event], dying)).rejects.toThrow('the process dies');
    expect(await given.store.correlate([event], matcher)).toMatchObject({ duplicates: 1, matched: 14 });
    for (const id of ids) expect(await lab.matchesOf(id)).toHaveLength(1);
    expect(await given.store.correlate([event], matcher)).toMatchObject({ duplicates: 1, matched: 0 });
  });

  it('deletes an instance with all its rows, in whatever table they are', async () => {
    const lab = new StoreLab(given);
    const rowsOf = async (id: string): Promise<readonly string[]> => {
      const { rows: tables } = await pool.query<{ name: string }>(
        `SELECT c.table_name AS name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
          WHERE c.table_schema = current_schema() AND c.column_name = 'instance_id' AND t.table_type = 'BASE TABLE' ORDER BY 1`,
      );
      expect(tables.map(({ name }) => name)).toContain('history');
      const found: string[] = [];
      for (const { name } of tables) {
        const { rowCount } = await pool.query(`SELECT FROM ${name} WHERE instance_id::text = $1`, [id]);
        if (rowCount !== 0) found.push(name);
      }
      return found;
    };
    const body = {
      nodes: { look: { type: 'human', title: 'Look', assignees: { users: ['ada'] } }, nap: { type: 'wait', for: '1h' } },
      edges: [],
    };
    const items = { type: 'forEach', items: [1, 2], body };
    const definition = newDefinition({ nodes: { items, paid: { type: 'event', event: 'paid', key: 'k' } }, edges: [] });
    const id = await lab.start(definition);
    expect(await rowsOf(id)).toEqual(expect.arrayContaining(['history', 'human_task', 'scope', 'subscription', 'task', 'timer', 'wait']));
    const cancel = { type: 'CommandIssued', commandId: newCommandId(), by: 'ada', command: { type: 'cancel', reason: null } } as const;
    await lab.step(definition, id, cancel);
    // Given when it had just ended, so nobody answered it.
    await given.store.issueCommand(commandOf(id, 'pause'));
    await given.ageInstance(id, 7_200_000);
    await given.maintain({ jobsMs: 7_200_000, instancesMs: 3_600_000 });
    // The result of a command is kept for a day.
    expect(await rowsOf(id)).toEqual(['command']);
    expect(await given.store.commandResult(cancel.commandId)).toMatchObject({ status: 'applied' });
  });

  it('updates automated tasks and running instances in place (HOT)', async () => {
    const http = { type: 'http', method: 'GET', url: 'http://127.0.0.1/', retry: { maxAttempts: 100, initial: '1ms', max: '1ms' } };
    const definition = newDefinition({ nodes: { work: http }, edges: [] });
    const lab = new StoreLab(given);
    // An ANALYZE at the same time would hold a snapshot, and pages would keep their dead rows.
    await pool.query('ALTER TABLE task SET (autovacuum_enabled = off)');
    await pool.query('ALTER TABLE instance SET (autovacuum_enabled = off)');
    const ids = [];
    for (let n = 0; n < 10; n++) ids.push(await lab.start(definition));
    const updates = async () => {
      await pool.query('SELECT pg_stat_force_next_flush()');
      const { rows } = await pool.query<{ table: string; all: number; hot: number }>(
        `SELECT relname AS table, n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname IN ('task', 'instance')`,
      );
      return new Map(rows.map((row) => [row.table, row]));
    };
    const before = await updates();
    for (let round = 0; round < 5; round++) {
      for (const id of ids) {
        await lab.fails(definition, id, 'work');
        const state = await lab.stateOf(id);
        const timer = state.timers['work#retry'];
        if (timer?.state !== 'armed') throw new Error('no retry was armed');
        await lab.step(definition, id, { type: 'TimerFired', timerId: 'work#retry', kind: 'retry', dueAt: timer.dueAt });
      }
    }
    const after = await updates();
    for (const table of ['task', 'instance']) {
      const all = (after.get(table)?.all ?? 0) - (before.get(table)?.all ?? 0);
      const hot = (after.get(table)?.hot ?? 0) - (before.get(table)?.hot ?? 0);
      expect(all, table).toBe(100);
      // If a changed column were in an index, there would be none.
      expect(hot, table).toBeGreaterThan(50);
    }
  });
});
