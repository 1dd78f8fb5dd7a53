import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../src/service/metrics.ts';
import { eventually } from '../test/support/eventually.ts';
import { type ConnectorSupervisor, createConnectorSupervisor } from './supervisor.ts';
import { type FakeConnect, startFakeConnect } from './testing/fake-connect.ts';

let connect: FakeConnect;
let supervisor: ConnectorSupervisor;
let lines: string[];
let metrics: ReturnType<typeof createMetrics>;

beforeEach(async () => {
  connect = await startFakeConnect();
  connect.settings = {};
  lines = [];
  metrics = createMetrics('test');
  supervisor = createConnectorSupervisor({
    connect: { url: connect.url, credentials: null },
    prefix: 'millrace',
    log: pino({ level: 'info' }, { write: (line) => void lines.push(line) }),
    metrics,
    lookEveryMs: 2,
    restartDelayMsMax: 4,
  });
});
afterEach(async () => {
  await supervisor.stop();
  await connect.close();
});

const restarts = () => connect.requests.filter((request) => request.startsWith('POST')).length;
const linesWith = (text: string) => lines.filter((line) => line.includes(text)).length;
async function scraped(metric: string): Promise<number> {
  const line = (await metrics.registry.metrics()).split('\n').find((text) => text.startsWith(`millrace_${metric}{`));
  return Number(line?.split(' ').at(-1));
}

describe('the supervisor of the connector', () => {
  it('restarts a task that has failed, and tells why', async () => {
    connect.task = { state: 'FAILED', trace: 'ConnectException: no\n\tat x\nCaused by: TimeoutException: Topic t' };
    supervisor.start();
    await eventually(() => expect(supervisor.status()).toEqual({ state: 'running' }));
    expect(restarts()).toBe(1);
    expect(linesWith('ConnectException: no; because of TimeoutException: Topic t')).toBe(1);
    expect(await scraped('connector_task_failures_total')).toBe(1);
    expect(await scraped('connector_running')).toBe(1);
  });

  it('goes on restarting one that fails again, and counts each failure', async () => {
    connect.task = { state: 'FAILED', trace: 'again' };
    connect.onRestart = () => {
      if (restarts() === 4) connect.task = { state: 'RUNNING' };
    };
    supervisor.start();
    await eventually(() => expect(supervisor.status()).toEqual({ state: 'running' }));
    expect(restarts()).toBe(4);
    expect(await scraped('connector_task_failures_total')).toBe(4);
  });

  it('leaves a connector alone that somebody paused, and says so once', async () => {
    connect.state = 'PAUSED';
    connect.task = { state: 'PAUSED' };
    supervisor.start();
    await eventually(() => expect(connect.requests.length).toBeGreaterThan(5));
    expect(supervisor.status()).toMatchObject({ state: 'paused' });
    expect(connect.requests.every((request) => request.startsWith('GET'))).toBe(true);
    expect(linesWith('does not run')).toBe(1);
    expect(await scraped('connector_running')).toBe(0);
  });

  it('never makes a connector that is missing', async () => {
    connect.settings = null;
    supervisor.start();
    await eventually(() => expect(connect.requests.length).toBeGreaterThan(5));
    expect(supervisor.status()).toMatchObject({ state: 'missing' });
    expect(connect.settings).toBeNull();
  });

  it('warns once of a Connect that is away, and finds it again', async () => {
    connect.failures.push(...Array.from({ length: 5 }, () => ({ status: 500, body: '' })));
    supervisor.start();
    await eventually(() => expect(supervisor.status()).toEqual({ state: 'running' }));
    expect(linesWith('does not answer')).toBe(1);
  });

  it('stops in the middle of a look', async () => {
    supervisor.start();
    await eventually(() => expect(connect.requests.length).toBeGreaterThan(0));
    await supervisor.stop();
    const asked = connect.requests.length;
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    // Requests that were on their way when it stopped may still arrive; no others follow.
    expect(connect.requests.length).toBeLessThanOrEqual(asked + 1);
  });
});
