/**
 * Processes that start while something they need is away: they try again and say so for as long as it takes, also those that listen
 * on no port, go on once it is there, and end with 0 when they are told to.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '../../stack/ports.ts';
import { runCli } from '../support/cli-process.ts';
import { eventually } from '../support/eventually.ts';
import { OrchestratorLab } from '../support/orchestrator-lab.ts';
import { Pooler } from '../support/pooler.ts';

const WORKER = ['worker', 'test/support/lab-handlers.ts'];

let lab: OrchestratorLab;
/** Where nobody listens. */
let nowhere: string;

beforeAll(async () => {
  lab = await OrchestratorLab.open('away-at-start');
  nowhere = `127.0.0.1:${await findFreePort()}`;
});
afterAll(async () => {
  await lab?.close();
});

describe('while it is away', { concurrent: true, timeout: 120_000 }, () => {
  it.each<[string, readonly string[], string, (address: string) => Record<string, string>]>([
    ['the API', ['api'], 'the instance database', (at) => ({ INSTANCE_DATABASE_URL: `postgres://millrace:x@${at}/millrace` })],
    ['the API', ['api'], 'the registry', (at) => ({ SCHEMA_REGISTRY_URL: `http://${at}` })],
    ['an orchestrator', ['orchestrator'], 'the definition database', (at) => ({ DEFINITION_DATABASE_URL: `postgres://a:b@${at}/c` })],
    ['an orchestrator', ['orchestrator'], 'the registry', (at) => ({ SCHEMA_REGISTRY_URL: `http://${at}` })],
    ['an orchestrator', ['orchestrator'], 'Kafka', (at) => ({ KAFKA_BROKERS: at })],
    ['a task-consumer', ['task-consumer'], 'the registry', (at) => ({ SCHEMA_REGISTRY_URL: `http://${at}` })],
    ['a task-consumer', ['task-consumer'], 'Kafka', (at) => ({ KAFKA_BROKERS: at })],
    ['a worker', WORKER, 'the registry', (at) => ({ SCHEMA_REGISTRY_URL: `http://${at}` })],
    ['a worker', WORKER, 'Kafka', (at) => ({ KAFKA_BROKERS: at })],
  ])('%s (%j) waits for %s', async (_, args, __, moved) => {
    const running = await runCli(args, { ...lab.env, METRICS_PORT: '0', LOG_LEVEL: 'warn', ...moved(nowhere) });
    await eventually(() => expect(running.output().match(/trying again|starts again/g)?.length).toBeGreaterThanOrEqual(3), {
      timeoutMs: 90_000,
    });
    expect(running.exitCode()).toBeNull();
    running.terminate();
    expect(await running.ended).toBe(0);
  });
});

it('an orchestrator whose databases start up late begins its work then', async () => {
  const { definitions, instances } = lab.databases.config.databases;
  const poolers = { definitions: await Pooler.open(definitions), instances: await Pooler.open(instances) };
  const startsUp = { code: '57P03', message: 'the database system is starting up' };
  poolers.definitions.refusal = startsUp;
  poolers.instances.refusal = startsUp;
  const moved = { DEFINITION_DATABASE_URL: poolers.definitions.url, INSTANCE_DATABASE_URL: poolers.instances.url };
  const running = await runCli(['orchestrator'], { ...lab.env, LOG_LEVEL: 'info', ...moved });
  try {
    await eventually(() => expect(running.output()).toContain('trying again'));
    poolers.definitions.refusal = null;
    poolers.instances.refusal = null;
    await eventually(() => expect(running.output()).toContain('"Started"'));
  } finally {
    running.terminate();
    expect(await running.ended).toBe(0);
    await poolers.definitions.close();
    await poolers.instances.close();
  }
});
