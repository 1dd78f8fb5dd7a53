import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHealth, type Health, type MonitoringServer, startMonitoring } from './health.ts';
import { consumerMetrics, createMetrics, type Metrics, outboxMetrics } from './metrics.ts';

describe('health and metrics of a process', () => {
  let health: Health;
  let metrics: Metrics;
  let server: MonitoringServer;

  beforeEach(async () => {
    health = createHealth();
    metrics = createMetrics('worker');
    server = await startMonitoring({ host: '127.0.0.1', port: 0, health, registry: metrics.registry });
  });
  afterEach(async () => {
    await server.close();
  });

  async function get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  it('is ready when every check says so, and names those that do not', async () => {
    let broker: string | null = null;
    health.check('broker', () => broker);
    health.check('database', () => Promise.reject(new Error('connection refused')));
    expect(JSON.parse((await get('/health/ready')).body)).toEqual({
      status: 'unavailable',
      checks: { broker: 'ok', database: 'connection refused' },
    });
    health.check('database', () => null);
    expect(await get('/health/ready')).toMatchObject({ status: 200 });
    broker = 'not a member of the group';
    expect(await get('/health/ready')).toMatchObject({ status: 503 });
  });

  it('is alive but not ready while it drains', async () => {
    health.drain();
    expect((await get('/health/ready')).status).toBe(503);
    expect((await get('/health/live')).status).toBe(200);
  });

  it('serves metrics by their names, without partitions that went away', async () => {
    let held = [{ group: 'group', topic: 't', partition: 0, lag: 7 }];
    consumerMetrics(metrics, () => held).deadLetters.inc({ topic: 't', code: 'MR_NO_KEY' });
    outboxMetrics(metrics, () => ({
      oldestAgeSeconds: 3,
      slotLagBytes: 10,
      slotExists: true,
      rowsInDefault: false,
      republishPending: true,
      probe: { status: 'waiting', waitingSeconds: 3, roundTripSeconds: 0.5 },
    }));
    const first = await get('/metrics');
    expect(first.body).toContain('millrace_consumer_lag_records{group="group",topic="t",partition="0",process="worker"} 7');
    expect(first.body).toContain('millrace_dead_letters_total{topic="t",code="MR_NO_KEY",process="worker"} 1');
    expect(first.body).toContain('millrace_outbox_oldest_age_seconds{process="worker"} 3');
    expect(first.body).toContain('millrace_outbox_default_partition_used{process="worker"} 0');
    expect(first.body).toContain('millrace_outbox_republish_pending{process="worker"} 1');
    held = [];
    expect((await get('/metrics')).body).not.toContain('partition="0"');
  });

  it('knows no other page', async () => {
    expect((await get('/')).status).toBe(404);
  });
});
