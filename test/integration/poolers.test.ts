/**
 * Poolers before Postgres: in session mode everything works; what shares sessions, or refuses the engine, is a fault of the set-up that
 * ends a process with a sentence and its exit code, at the start and later.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assertSetup, createPools } from '../../src/store/postgres/index.ts';
import { runCli } from '../support/cli-process.ts';
import { eventually } from '../support/eventually.ts';
import { OrchestratorLab } from '../support/orchestrator-lab.ts';
import { Pooler, type PoolerOrder } from '../support/pooler.ts';

const EXIT_SETUP = 78;

let lab: OrchestratorLab;
const poolers: Pooler[] = [];

beforeAll(async () => {
  lab = await OrchestratorLab.open('poolers');
});
afterEach(async () => {
  await Promise.all(poolers.splice(0).map((pooler) => pooler.close()));
});
afterAll(async () => {
  await lab?.close();
});

/** Before each of the two databases. */
async function openPoolers(order: PoolerOrder = 'last') {
  const { definitions, instances } = lab.databases.config.databases;
  const pair = { definitions: await Pooler.open(definitions, order), instances: await Pooler.open(instances, order) };
  poolers.push(pair.definitions, pair.instances);
  return { ...pair, urls: { definitions: pair.definitions.url, instances: pair.instances.url } };
}

/** A process of the command line on the databases behind the poolers. */
async function run(role: string, urls: { readonly definitions: string; readonly instances: string }) {
  const moved = { DEFINITION_DATABASE_URL: urls.definitions, INSTANCE_DATABASE_URL: urls.instances };
  return await runCli([role], { ...lab.env, LOG_LEVEL: 'info', ...moved });
}

describe('a pooler', () => {
  it('in session mode is as good as Postgres itself', async () => {
    const { urls } = await openPoolers();
    const pools = createPools(urls, { connections: 4 });
    try {
      await assertSetup(pools, 8);
    } finally {
      await pools.close();
    }
  });

  it.each(['last', 'turn'] as const)('in transaction mode is named at the start, whichever session it lends next (%s)', async (order) => {
    const { definitions, instances, urls } = await openPoolers(order);
    definitions.mode = 'transaction';
    instances.mode = 'transaction';
    const pools = createPools(urls, { connections: 4 });
    try {
      await expect(assertSetup(pools, 8)).rejects.toMatchObject({
        ...{ code: 'MR_DATABASE_SETTINGS', retryable: false },
        message: expect.stringContaining('Use its session mode'),
      });
    } finally {
      await pools.close();
    }
  });

  it.each([
    ['api', '08P01', 'unsupported startup parameter: statement_timeout'],
    ['orchestrator', '08P01', 'no such database: millrace'],
    ['orchestrator', '08P01', 'SASL authentication failed'],
    ['api', '26000', 'prepared statement "load" does not exist'],
  ])('that refuses the %s with %s (%s) ends it with a sentence', async (role, code, message) => {
    const { definitions, instances, urls } = await openPoolers();
    definitions.refusal = { code, message };
    instances.refusal = { code, message };
    const { ended, errors } = await run(role, urls);
    expect(await ended).toBe(EXIT_SETUP);
    expect(errors()).toContain(message);
    expect(errors()).toContain('MR_DATABASE_SETTINGS');
  });

  it.each(['api', 'orchestrator'])('that is set to transaction mode later ends the %s with a sentence', async (role) => {
    const { definitions, instances, urls } = await openPoolers();
    const { port, ended, exitCode, output, errors } = await run(role, urls);
    await eventually(() => expect(output()).toContain('"Started"'));
    definitions.mode = 'transaction';
    instances.mode = 'transaction';
    // Whoever asks the databases several things at once meets it.
    const ask = () => fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    await eventually(async () => {
      await Promise.all(Array.from({ length: 10 }, ask));
      expect(exitCode()).not.toBeNull();
    });
    expect(await ended).toBe(EXIT_SETUP);
    expect(errors()).toContain('Cannot go on: The database is behind a pooler that shares sessions');
  });
});
