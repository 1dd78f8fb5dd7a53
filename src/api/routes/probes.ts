/** Health and metrics: outside `/v1`, without a key. */
import type { Health } from '../../service/health.ts';
import type { Metrics } from '../../service/metrics.ts';
import type { ApiApp } from '../context.ts';
import type { ApiPorts } from '../ports.ts';

export type Probed = {
  readonly ports: Pick<ApiPorts, 'admission' | 'wakes' | 'watch'>;
  readonly health: Health;
  readonly registry: Metrics['registry'];
};

export function addProbeRoutes(app: ApiApp, { ports, health, registry }: Probed): void {
  const schema = { hide: true };
  app.get('/health/live', { schema }, () => ({ status: 'ok', checks: health.live().checks }));
  app.get('/health/ready', { schema }, async (_request, reply) => {
    const { ok, checks } = await health.ready();
    // Shown, but they do not make the process unready, because all other routes work.
    const told = {
      starts: ports.admission.reasonToRefuse() ?? 'ok',
      lifecycle: ports.wakes()
        ? 'ok'
        : ports.watch.waiting === 0
          ? 'not read: nobody waits'
          : 'not read at present: all that wait are looked at once a second',
    };
    return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', checks: { ...checks, ...told } });
  });
  app.get('/metrics', { schema }, async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
