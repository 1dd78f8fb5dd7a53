import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/service/config.ts';
import { applyConnector, resetConnectorOffsets } from './apply.ts';
import { type FakeConnect, startFakeConnect } from './testing/fake-connect.ts';

const log = pino({ level: 'silent' });
let connect: FakeConnect;
beforeEach(async () => {
  connect = await startFakeConnect();
});
afterEach(() => connect.close());

function configFor(env: Record<string, string> = {}) {
  const database = 'postgres://millrace:x@127.0.0.1/db';
  return loadConfig({ KAFKA_CONNECT_URL: connect.url, DEFINITION_DATABASE_URL: database, INSTANCE_DATABASE_URL: database, ...env }, [
    'connect',
    'databases',
    'topics',
  ]);
}

const quickly = { restartDelayMs: 1 };
const trace = `org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback
\tat org.apache.kafka.connect.runtime.WorkerSourceTask.maybeThrowProducerSendException(WorkerSourceTask.java:348)
Caused by: org.apache.kafka.common.errors.TimeoutException: Topic millrace.nope not present in metadata after 120000 ms.
Caused by: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition.`;

describe('applying the connector', () => {
  it('creates it, and says so', async () => {
    expect(await applyConnector(configFor(), log)).toBe('created');
    expect(connect.settings).toMatchObject({ name: 'millrace.outbox', 'topic.prefix': 'millrace' });
  });

  it('leaves alone what runs as it should', async () => {
    await applyConnector(configFor(), log);
    connect.requests.length = 0;
    expect(await applyConnector(configFor(), log)).toBe('unchanged');
    expect(connect.requests.filter((request) => request.includes('/config'))).toEqual(['GET /connectors/millrace.outbox/config']);
  });

  it('changes what differs, and what it does not know goes', async () => {
    await applyConnector(configFor(), log);
    if (connect.settings !== null) connect.settings.strange = 'yes';
    expect(await applyConnector(configFor(), log)).toBe('changed');
    expect(connect.settings).not.toHaveProperty('strange');
  });

  it('waits until its task runs', async () => {
    connect.task = null;
    const applying = applyConnector(configFor(), log);
    while (connect.requests.filter((request) => request.includes('/status')).length < 2) await new Promise(setImmediate);
    connect.task = { state: 'RUNNING' };
    expect(await applying).toBe('created');
  });

  it('restarts a task that has failed before', async () => {
    connect.task = { state: 'FAILED', trace };
    expect(await applyConnector(configFor(), log, quickly)).toBe('created');
    expect(connect.requests).toContain('POST /connectors/millrace.outbox/restart?includeTasks=true&onlyFailed=true');
  });

  it('gives up on one that fails again and again, and says why', async () => {
    connect.task = { state: 'FAILED', trace };
    connect.onRestart = () => undefined;
    await expect(applyConnector(configFor(), log, quickly)).rejects.toMatchObject({
      code: 'MR_CONNECTOR_FAILED',
      message: expect.stringContaining('Topic millrace.nope not present in metadata'),
    });
  });

  it('waits out a Connect that starts or rebalances', async () => {
    connect.failures.push({ status: 503, body: '' }, { status: 409, body: '{"message":"rebalance"}' });
    expect(await applyConnector(configFor(), log)).toBe('created');
  });

  it('tells what Connect refuses, at once', async () => {
    connect.failures.push({ status: 404, body: '{}' }, { status: 400, body: '{"message":"slot.name\\n is bad"}' });
    await expect(applyConnector(configFor(), log)).rejects.toMatchObject({
      code: 'MR_CONNECT_REFUSED',
      message: expect.stringContaining('slot.name is bad'),
    });
  });

  it('gives up on a Connect that stays away', async () => {
    await connect.close();
    await expect(applyConnector(configFor(), log, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'MR_CONNECT_UNAVAILABLE' });
  });

  it('logs in where Connect wants that', async () => {
    await applyConnector(configFor({ KAFKA_CONNECT_USERNAME: 'u', KAFKA_CONNECT_PASSWORD: 'p' }), log);
    expect(connect.headers[0]).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  });
});

describe('resetting the connector', () => {
  it('stops it, forgets its offsets and lets it go on', async () => {
    connect.settings = {};
    await resetConnectorOffsets(configFor(), log);
    expect(connect.requests.slice(1)).toEqual([
      'PUT /connectors/millrace.outbox/stop',
      'DELETE /connectors/millrace.outbox/offsets',
      'PUT /connectors/millrace.outbox/resume',
    ]);
  });

  it('says that there is none', async () => {
    await expect(resetConnectorOffsets(configFor(), log)).rejects.toMatchObject({ code: 'MR_CONNECTOR_MISSING' });
  });
});
