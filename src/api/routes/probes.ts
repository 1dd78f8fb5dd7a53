/** Health and metrics: outside `/v1`, without a key. */
import type { Health, HealthReport } from '../../service/health.ts';
import type { Metrics } from '../../service/metrics.ts';
import type { ApiApp } from '../app.ts';

export function addProbeRoutes(app: ApiApp, health: Health, metrics: Metrics): void {
  const schema = { hide: true };
  const body = (report: HealthReport) => ({ status: report.ok ? 'ok' : 'unavailable', checks: report.checks });
  app.get('/health/live', { schema }, () => body(health.live()));
  app.get('/health/ready', { schema }, async (_request, reply) => {
    const report = await health.ready();
    return reply.code(report.ok ? 200 : 503).send(body(report));
  });
  app.get('/metrics', { schema }, async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
