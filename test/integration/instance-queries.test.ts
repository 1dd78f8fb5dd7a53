/** The contract of queries, on Postgres, and what only Postgres can show. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceId } from '../../src/core/ids.ts';
import type { InstanceQueries } from '../../src/store/instance-queries.ts';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import { testInstanceQueries } from '../contract/instance-queries.contract.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { matcher, newDefinition, openLab } from '../support/store-lab.ts';

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
