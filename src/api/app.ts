/**
 * The HTTP server: limits, headers, keys, errors, metrics, and the routes. Knows the ports only; `main.ts` connects them.
 * Never logs single requests at info: the metrics count them.
 */

import type { Server } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type FastifyBaseLogger, type FastifyHttpOptions, fastify, LogController } from 'fastify';
import { createStartBatcher } from '../engine/start/start-batcher.ts';
import { createStartInstance } from '../engine/start/start-instance.ts';
import { apiMetrics } from '../service/metrics.ts';
import type { Start } from '../store/instance-store.ts';
import { createLatestVersions } from '../store/latest-versions.ts';
import { assertPermitted, createAuthenticator, rememberKey } from './auth.ts';
import { BodyGate } from './body-gate.ts';
import type { ApiApp, ApiLimits, ApiOptions, RouteContext } from './context.ts';
import { addDocs } from './docs.ts';
import { addJsonParser, assertFewFields } from './json-body.ts';
import { ApiProblem, handleError, rawProblem, sendProblem } from './problem.ts';
import { addCommandRoutes } from './routes/commands.ts';
import { addDeadLetterRoutes } from './routes/dead-letters.ts';
import { addDefinitionRoutes } from './routes/definitions.ts';
import { addDrawingRoutes } from './routes/drawings.ts';
import { addEventRoutes } from './routes/events.ts';
import { addInboxRoutes } from './routes/inbox.ts';
import { addInstanceRoutes } from './routes/instances.ts';
import { addJobVerdictRoutes } from './routes/job-verdicts.ts';
import { addJobRoutes } from './routes/jobs.ts';
import { addMigrationRoutes } from './routes/migrations.ts';
import { addProbeRoutes } from './routes/probes.ts';
import { addQueueRoutes } from './routes/queues.ts';
import { sharedSchemas } from './routes/schemas.ts';
import { addStartRoutes } from './routes/starts.ts';
import { addStreamRoutes } from './routes/streams.ts';
import { addTaskActionRoutes } from './routes/task-actions.ts';
import { addTaskCommandRoutes } from './routes/task-commands.ts';
import { addTaskPayloadRoutes } from './routes/task-payloads.ts';
import { addTriggerRoutes } from './routes/triggers.ts';
import { endSilentConnections } from './silent-connections.ts';
import { defaultStartLimits, StartGate } from './start-gate.ts';
import { createValidatorCompiler } from './validation.ts';

const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 20_000;

export async function createApp(options: ApiOptions): Promise<ApiApp> {
  const { ports, limits, log } = options;
  const app: ApiApp = fastify(serverOptions(limits, log)).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = CONNECTIONS_MAX;
  endSilentConnections(app);
  app.setValidatorCompiler(createValidatorCompiler());
  // The functions that make answers are typed by the schemas, and tests compare answers with the document. Compiling a
  // serializer for each status of each route would only slow down the start.
  app.setSerializerCompiler(() => JSON.stringify);
  for (const schema of sharedSchemas) app.addSchema(schema);
  addJsonParser(app, limits.depth + 4);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request, reply) => {
    const problem = new ApiProblem('MR_ROUTE_UNKNOWN', `There is no ${request.method} ${request.url.split('?')[0]?.slice(0, 200)}.`);
    sendProblem(reply, problem, request.id);
  });
  addSecurityHeaders(app);
  refuseSeveralHosts(app);
  const { gate, startInstance } = startsOf(options);
  const context: RouteContext = {
    ...options,
    metrics: apiMetrics(options.metrics, { starts: () => gate.inside, backlogSeconds: () => ports.admission.backlogSeconds() }),
    startInstance,
    gate,
    latest: createLatestVersions(ports.definitions),
  };
  addRequestMetrics(app, context);
  await addDocs(app);
  addProbeRoutes(app, { ports, health: options.health, registry: options.metrics.registry });
  await app.register(async (v1) => addV1(v1.withTypeProvider<TypeBoxTypeProvider>(), context), { prefix: '/v1' });
  return app;
}

function startsOf({ ports, limits, batching, starts = defaultStartLimits, continuation = false }: ApiOptions) {
  const { outgoing, queries, now, instances, admission } = ports;
  const batcher = createStartBatcher(instances, batching);
  const gate = new StartGate({
    ...starts,
    oldestWaitMs: () => batcher.oldestWaitMs,
    backlogSeconds: () => admission.backlogSeconds(),
  });
  const write = (start: Start) => batcher.submit(start);
  return { gate, startInstance: createStartInstance({ outgoing, queries, now, limits, continuation, write }) };
}

function serverOptions(limits: ApiLimits, log: FastifyBaseLogger): FastifyHttpOptions<Server> & { loggerInstance: FastifyBaseLogger } {
  // Unique across processes and restarts.
  const tag = Math.floor(performance.timeOrigin + performance.now()).toString(36) + process.pid.toString(36);
  let count = 0;
  return {
    loggerInstance: log,
    // Requests are counted, not logged, and the error handler logs the id itself: no child logger for each request.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    genReqId: () => `${tag}-${(++count).toString(36)}`,
    bodyLimit: limits.bodyBytes,
    // Longest time for a whole request to arrive.
    requestTimeout: 30_000,
    // Longest silence on a connection; a `?wait=` may be silent for long.
    connectionTimeout: limits.waitMaxMs + 30_000,
    keepAliveTimeout: 72_000,
    http: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: 15_000 },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: 2_000, ignoreTrailingSlash: false },
    // Of addresses that lead to no route since they cannot be read.
    frameworkErrors: handleError,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    clientErrorHandler(error, socket) {
      if (!socket.writable) return;
      const overflow = 'code' in error && error.code === 'HPE_HEADER_OVERFLOW';
      socket.end(
        overflow
          ? rawProblem(431, 'MR_HEADERS_TOO_LARGE', `The headers are larger than ${HEADER_BYTES_MAX} bytes.`)
          : rawProblem(400, 'MR_REQUEST_INVALID', 'The request is not valid HTTP.'),
      );
    },
  };
}

function addSecurityHeaders(app: ApiApp): void {
  const headers = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
  };
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers);
    reply.header('x-request-id', request.id);
    done();
  });
}

/** A proxy and this server could each believe another one of two `Host` headers (RFC 9112, section 3.2). */
function refuseSeveralHosts(app: ApiApp): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const hosts = request.raw.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
    done(hosts > 1 ? new ApiProblem('MR_REQUEST_INVALID', 'The request has several `Host` headers: send one.') : undefined);
  });
}

function addRequestMetrics(app: ApiApp, { metrics }: RouteContext): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'unknown';
    metrics.requests.inc({ method, route, status: String(reply.statusCode) });
    metrics.duration.observe({ method, route }, reply.elapsedTime / 1_000);
    done();
  });
}

function addV1(app: ApiApp, context: RouteContext): void {
  const authenticate = createAuthenticator(context.ports.definitions);
  app.addHook('onRequest', async (request) => {
    const given = authenticate(request.headers.authorization);
    const key = given instanceof Promise ? await given : given;
    rememberKey(request, key);
    const { permission } = request.routeOptions.config;
    if (permission === undefined) throw new Error(`Bug: ${request.routeOptions.url} names no permission`);
    assertPermitted(key, permission);
  });
  app.addHook('preParsing', new BodyGate(context.bodiesBytesMax).preParsing);
  app.addHook('preValidation', (request, _reply, done) => {
    // The body of a command is optional; if there is one, it is validated.
    if (request.method === 'POST' && request.body === undefined) request.body = {};
    assertFewFields(request.body);
    done();
  });
  addDefinitionRoutes(app, context);
  addStartRoutes(app, context);
  addInstanceRoutes(app, context);
  addDrawingRoutes(app, context);
  addStreamRoutes(app, context, authenticate);
  addCommandRoutes(app, context);
  addMigrationRoutes(app, context);
  addJobRoutes(app, context);
  addJobVerdictRoutes(app, context);
  addInboxRoutes(app, context);
  addTaskActionRoutes(app, context);
  addTaskCommandRoutes(app, context);
  addTaskPayloadRoutes(app, context);
  addEventRoutes(app, context);
  addTriggerRoutes(app, context);
  addQueueRoutes(app, context);
  addDeadLetterRoutes(app, context);
}
