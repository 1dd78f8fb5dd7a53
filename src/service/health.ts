/**
 * Liveness, and readiness as named checks, and the small server on which processes other than the API serve them together
 * with their metrics. A process is live while its event loop runs. Liveness never checks other systems: otherwise the
 * outage of one broker would restart every process. A process is ready if it could do work now.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** null: ready; else the reason, for a person. If the check throws, the error's message is the reason. */
export type Check = () => string | null | Promise<string | null>;

export type HealthReport = {
  readonly ok: boolean;
  /** By name of the check: `ok` or the reason. */
  readonly checks: Readonly<Record<string, string>>;
};

export type Health = {
  /** Adds a readiness check. */
  check(name: string, check: Check): void;
  /** Makes the process not ready for good, whatever the checks say, because it is about to end. */
  drain(): void;
  live(): HealthReport;
  ready(): Promise<HealthReport>;
};

const CHECK_TIMEOUT_MS = 2_000;

export function createHealth(): Health {
  const checks = new Map<string, Check>();
  let draining = false;
  return {
    check(name, check) {
      checks.set(name, check);
    },
    drain() {
      draining = true;
    },
    live: () => ({ ok: true, checks: {} }),
    async ready() {
      const results = await Promise.all([...checks].map(async ([name, check]) => [name, await runCheck(check)] as const));
      const all = draining ? [...results, ['shutdown', 'the process is about to end'] as const] : results;
      return {
        ok: all.every(([, result]) => result === null),
        checks: Object.fromEntries(all.map(([name, result]) => [name, result ?? 'ok'])),
      };
    },
  };
}

async function runCheck(check: Check): Promise<string | null> {
  const timeout = Promise.withResolvers<string>();
  const timer = setTimeout(() => timeout.resolve(`no answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
  try {
    return await Promise.race([check(), timeout.promise]);
  } catch (error) {
    return error instanceof Error ? error.message : 'failed';
  } finally {
    clearTimeout(timer);
  }
}

export type MonitoringServer = { readonly port: number; close(): Promise<void> };

export type MonitoringOptions = { readonly host: string; readonly port: number; readonly health: Health; readonly registry: Registry };

/** Serves `/health/live`, `/health/ready` and `/metrics`. Port 0 takes any free port. Rejects if the port is in use. */
export async function startMonitoring({ host, port, health, registry }: MonitoringOptions): Promise<MonitoringServer> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', health, registry, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(error instanceof Error ? error.message : 'failed');
    });
  });
  await listen(server, port, host);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function answer(url: string, health: Health, registry: Registry, response: ServerResponse): Promise<void> {
  switch (url.split('?')[0]) {
    case '/health/live':
      return sendReport(response, health.live());
    case '/health/ready':
      return sendReport(response, await health.ready());
    case '/metrics':
      response.setHeader('content-type', registry.contentType);
      response.end(await registry.metrics());
      return;
    default:
      response.statusCode = 404;
      response.end();
  }
}

function sendReport(response: ServerResponse, report: HealthReport): void {
  response.statusCode = report.ok ? 200 : 503;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ status: report.ok ? 'ok' : 'unavailable', checks: report.checks }));
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
