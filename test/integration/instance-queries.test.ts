/** The contract of queries, on Postgres, and what only Postgres can show. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import type { InstanceQueries } from '../../src/store/instance-queries.ts';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import { testHistory } from '../contract/history.contract.ts';
import { testIncidentCodes } from '../contract/incident-codes.contract.ts';
import { testInstanceQueries } from '../contract/instance-queries.contract.ts';
import { testOddData } from '../contract/odd-data.contract.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { commandOf, matcher, newDefinition, openLab } from '../support/store-lab.ts';

let databases: FreshDatabases;
let pool: Pool;

beforeAll(async () => {
  databases = await createFreshDatabases('instance_queries_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.instances, { connections: 5 });
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

testInstanceQueries(async () => storeOn(pool, matcher));
testIncidentCodes(async () => storeOn(pool, matcher));
testOddData(async () => storeOn(pool, matcher));
testHistory(async () => storeOn(pool, matcher));

it('finds the children of an instance by their parent, and no other instance', async () => {
  const lab = await openLab(storeOn(pool, matcher));
  const { queries } = lab;
  const task = { type: 'task', task: 'work' };
  const definition = newDefinition({ nodes: { work: task }, edges: [] });
  const ids: InstanceId[] = [];
  for (let n = 0; n < 5; n++) ids.push(await lab.start(definition, { n }));
  const [parent, first, second, other] = ids as [InstanceId, InstanceId, InstanceId, InstanceId];
  const adopt = async (by: InstanceId, ...children: readonly InstanceId[]) =>
    await pool.query('UPDATE instance SET parent_id = $1 WHERE id = ANY ($2)', [by, children]);
  await adopt(parent, first, second);
  await adopt(other, parent);
  const find = async (filter: Parameters<InstanceQueries['list']>[0]) =>
    (await queries.list(filter, 10, null)).items.map(({ instanceId }) => instanceId);
  expect(await find({ parent })).toEqual([second, first]);
  expect(await find({ parent: other })).toEqual([parent]);
  expect(await find({ parent: first })).toEqual([]);
  await lab.completes(definition, first, 'work');
  expect(await find({ parent })).toEqual([second, first]);
  expect(await find({ parent, status: 'running' })).toEqual([second]);
});

const migrationOfIncidents = new URL('../../src/store/migrations/instances/0021-incidents.sql', import.meta.url);

it('knows incidents that were open before it kept a table of them', async () => {
  const lab = await openLab(storeOn(pool, matcher));
  const task = { type: 'task', task: 'work' };
  const each = { type: 'forEach', items: '${ input.items }', body: { nodes: { work: task }, edges: [] } };
  const definition = newDefinition({ nodes: { work: task, each }, edges: [] });
  const ids: InstanceId[] = [];
  for (let n = 0; n < 3; n++) ids.push(await lab.start(definition, { items: [1, 2] }));
  const [first, second, cancelled] = ids as [InstanceId, InstanceId, InstanceId];
  for (const path of ['work', 'each.1.work']) await lab.fails(definition, first, path, false);
  const { attempt, basis } = await lab.task(second, 'work');
  const result = { status: 'failed', error: { code: 'A\0\\u0000B', message: '' }, retryable: false, retryAfterMs: null } as const;
  await lab.step(definition, second, { type: 'TaskOutcome', path: 'work' as TaskPath, attempt, basis, result });
  await lab.fails(definition, cancelled, 'work', false);
  const { commandId } = commandOf(cancelled, 'cancel');
  await lab.step(definition, cancelled, { type: 'CommandIssued', commandId, by: 'ada', command: { type: 'cancel', reason: null } });
  const rows = async () =>
    (await pool.query('SELECT instance_id AS id, path, code FROM incident WHERE instance_id = ANY ($1) ORDER BY 1, 2', [ids])).rows;
  const written = await rows();
  expect(written.map(({ id, path }) => [id, path])).toEqual([
    [first, 'each.1.work'],
    [first, 'work'],
    [second, 'work'],
  ]);
  expect((await lab.queries.list({ definition: definition.id, incidentCode: 'A\0\\u0000B' }, 9, null)).items).toHaveLength(1);
  await pool.query('DELETE FROM incident');
  const sql = await readFile(migrationOfIncidents, 'utf8');
  await pool.query(sql.slice(sql.indexOf('INSERT INTO incident')));
  expect((await rows()).map(({ id, path }) => [id, path])).toEqual(written.map(({ id, path }) => [id, path]));
});
