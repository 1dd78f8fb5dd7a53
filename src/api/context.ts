/** The options of the server, and the context of each route. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { StartBatcherOptions } from '../engine/start/start-batcher.ts';
import type { StartInstance } from '../engine/start/start-instance.ts';
import type { Health } from '../service/health.ts';
import type { apiMetrics, Metrics } from '../service/metrics.ts';
import type { LatestVersions } from '../store/latest-versions.ts';
import type { Permission } from './auth.ts';
import type { ApiPorts } from './ports.ts';
import type { StartGate, StartLimits } from './start-gate.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the API key must allow. Every route of `/v1` has one. */
    readonly permission?: Permission;
    /** The body may hold strings that cannot be stored: the route names them among its other errors. */
    readonly takesUnsafeStrings?: boolean;
  }
}

export type ApiApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

export type ApiLimits = {
  readonly bodyBytes: number;
  readonly payloadBytes: number;
  /** Of what travels in a message. Default: `payloadBytes`. */
  readonly messageBytes?: number;
  readonly definitionBytes: number;
  /** Deepest nesting of JSON. */
  readonly depth: number;
  readonly waitMaxMs: number;
  /** Live streams at a time; default 1 000. */
  readonly streams?: number;
};

export type ApiOptions = {
  readonly ports: ApiPorts;
  readonly limits: ApiLimits;
  /** Topics that `publish` may name. */
  readonly publishTopics: readonly string[];
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Aborts when the process ends: requests that wait are answered. */
  readonly signal: AbortSignal;
  readonly batching?: StartBatcherOptions;
  readonly starts?: StartLimits;
  /** Of the bodies above 64 KiB of all requests that are inside; default 32 MiB. */
  readonly bodiesBytesMax?: number;
  /** As in `StartDependencies`. */
  readonly continuation?: boolean;
};

/** What each route gets. */
export type RouteContext = Omit<ApiOptions, 'metrics' | 'batching' | 'starts' | 'continuation'> & {
  readonly metrics: ReturnType<typeof apiMetrics>;
  readonly startInstance: StartInstance;
  readonly gate: StartGate;
  readonly latest: LatestVersions;
};
