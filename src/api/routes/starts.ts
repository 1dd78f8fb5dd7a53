/** The route that starts instances. How an instance is started is in `engine/start`; here is the HTTP around it. */
import type { FastifyRequest, onRequestHookHandler, preValidationHookHandler } from 'fastify';
import { Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import { Instance, StartBody, StartedInstance } from '../../contract/instances.ts';
import { assertNever } from '../../core/assert.ts';
import type { Definition } from '../../core/definition/types.ts';
import { parseDefinitionId } from '../../core/ids.ts';
import { canonicalJson, type Json, jsonByteLength } from '../../core/json.ts';
import type { StartOutcome, StartRequest } from '../../engine/start/start-instance.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, ApiLimits, RouteContext } from '../context.ts';
import { isEnded } from '../instance-view.ts';
import { marksOf } from '../masking.ts';
import { ApiProblem, notFound } from '../problem.ts';
import type { Refusal, Ticket } from '../start-gate.ts';
import { waitFor, waitMsOf } from '../wait.ts';
import { findDefinition } from './lookups.ts';
import { viewOf } from './queues.ts';
import { responses, security } from './schemas.ts';

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

export function addStartRoutes(app: ApiApp, context: RouteContext): void {
  const { ports, limits, metrics, startInstance } = context;
  const schema = {
    operationId: 'startInstance',
    tags: ['instances'],
    summary: 'Start an instance',
    description:
      '201 with the id once it is committed. With `?wait=` 200 and the whole instance if it ended in time, or needs a person (an incident). A repeat with the same ' +
      '`Idempotency-Key` within 24 h starts nothing and gets the first answer.',
    security,
    params: Type.Object({ id: Type.String() }),
    querystring: Type.Object(WaitQuery, strict),
    headers: Type.Object({
      'idempotency-key': Type.Optional(Type.String({ description: 'At most 255 printable characters, unique within the definition.' })),
    }),
    body: StartBody,
    response: responses({ 200: Instance, 201: StartedInstance }, 404, 413, 422),
  };
  app.post('/definitions/:id/instances', { schema, config: { permission: 'start' }, ...atTheGate(context) }, async (request, reply) => {
    const { params, body, headers, query } = request;
    const waitMs = query.wait === undefined ? 0 : waitMsOf(query.wait, limits.waitMaxMs);
    const definition = await definitionOf(context, params.id, body.version);
    const idempotency = idempotencyOf(context, headers['idempotency-key'], body);
    const input = body.input ?? {};
    assertPayload(headers['content-length'], input, limits.payloadBytes);
    const businessKey = body.businessKey ?? null;
    const by = keyOf(request).subject;
    const started = await startInstance({ definition, input, businessKey, by, cause: `rest:${request.id}`, idempotency }).finally(() =>
      leaveGate(request),
    );
    assertStarted(started, definition);
    const { instanceId, version } = started;
    if (started.kind === 'started') metrics.starts.inc();
    if (waitMs > 0) {
      const view = await waitFor(context, {
        instanceId,
        ms: waitMs,
        request,
        eager: false,
        async look() {
          const found = await ports.queries.find(instanceId);
          const isOver = found !== null && (isEnded(found.row.status) || found.row.status === 'incident');
          return isOver ? ((await ports.queries.get(instanceId)) ?? undefined) : undefined;
        },
      });
      if (view !== undefined) return reply.code(200).send(await viewOf(context, view, await marksOf(context, view.row, false)));
    }
    return reply
      .code(201)
      .header('location', `/v1/instances/${instanceId}`)
      .send({ instanceId, definition: { id: definition.id, version } });
  });
}

const tickets = new WeakMap<FastifyRequest, Ticket>();

/** Before the body is read, a start that would wait for long, or whose messages would not be published, is refused. */
export function atTheGate(context: RouteContext): {
  readonly onRequest: onRequestHookHandler;
  readonly preValidation: preValidationHookHandler;
} {
  const { gate, limits, metrics } = context;
  const onRequest: onRequestHookHandler = (request, reply, done) => {
    assertAdmitted(context);
    const refusal = gate.refusalOf(bytesOf(request, limits));
    if (refusal !== null) {
      metrics.deferredStarts.inc({ reason: refusal.why });
      done(tooManyStarts(refusal));
      return;
    }
    const ticket = gate.enter(bytesOf(request, limits));
    tickets.set(request, ticket);
    // Also of one that is refused later, or whose caller goes away.
    reply.raw.once('close', ticket.leave);
    done();
  };
  const preValidation: preValidationHookHandler = (request, _reply, done) => {
    tickets.get(request)?.bodyIsThere();
    done();
  };
  return { onRequest, preValidation };
}

function bytesOf({ headers }: FastifyRequest, { bodyBytes }: ApiLimits): number {
  const length = headers['content-length'];
  return length === undefined ? bodyBytes : Math.min(Number(length), bodyBytes);
}

/** The start is written, or will not be. */
export function leaveGate(request: FastifyRequest): void {
  tickets.get(request)?.leave();
}

function tooManyStarts({ reason, retryAfterS }: Refusal): ApiProblem {
  return new ApiProblem('MR_TOO_MANY_STARTS', `Too many instances are being started: ${reason}`, {
    headers: { 'retry-after': String(retryAfterS) },
  });
}

/** @throws the problem of a start while nothing is published. */
function assertAdmitted({ ports, metrics }: RouteContext): void {
  const reason = ports.admission.reasonToRefuse();
  if (reason === null) return;
  metrics.refusedStarts.inc();
  throw new ApiProblem('MR_NOT_PUBLISHING', `Instances cannot be started now: ${reason}`, { headers: { 'retry-after': '5' } });
}

type Started = StartOutcome & { readonly kind: 'started' | 'repeated' };

/** @throws the problem of a start that was refused. */
export function assertStarted(outcome: StartOutcome, definition: Definition): asserts outcome is Started {
  switch (outcome.kind) {
    case 'started':
    case 'repeated':
      return;
    case 'keyReused':
      throw keyReused('start');
    case 'inputInvalid':
      throw new ApiProblem('MR_INPUT_INVALID', `The input does not fit the schema of ${definition.id}, version ${definition.version}.`, {
        errors: outcome.errors.map(({ pointer, message }) => ({ pointer: `/input${pointer}`, message })),
      });
    case 'refused': {
      const { code, message } = outcome.error;
      throw new ApiProblem('MR_START_REFUSED', `The definition cannot be started with this input: ${message}`, {
        errors: [{ pointer: '/input', message, code }],
      });
    }
    default:
      assertNever(outcome);
  }
}

export function keyReused(what: 'start' | 'job'): ApiProblem {
  return new ApiProblem('MR_IDEMPOTENCY_KEY_REUSED', 'The Idempotency-Key was used with another body.', {
    errors: [{ pointer: '/headers/idempotency-key', message: `Use a new key for another ${what}.` }],
  });
}

async function definitionOf(context: RouteContext, id: string, version: number | undefined): Promise<Definition> {
  if (version !== undefined) return findDefinition(context, id, version);
  const definitionId = parseDefinitionId(id);
  const known = definitionId === undefined ? null : context.latest.get(definitionId);
  const latest = known instanceof Promise ? await known : known;
  if (definitionId === undefined || latest === null) throw notFound(`There is no definition ${id.slice(0, 130)}.`);
  return context.ports.cache.peek(definitionId, latest) ?? (await findDefinition(context, id, latest));
}

function assertPayload(contentLength: string | undefined, input: Json, bytesMax: number): void {
  // The input of a body this small is within the limit: no value becomes more than four times as long when it is written out (1e15).
  if (contentLength !== undefined && Number(contentLength) * 4 <= bytesMax) return;
  if (jsonByteLength(input) <= bytesMax) return;
  throw new ApiProblem('MR_PAYLOAD_TOO_LARGE', `The input is larger than ${bytesMax} bytes.`, {
    errors: [{ pointer: '/input', message: 'Send a reference to the data instead.' }],
  });
}

export function idempotencyOf(context: RouteContext, key: string | undefined, body: StartBody | Json): StartRequest['idempotency'] {
  if (key === undefined) return null;
  if (!IDEMPOTENCY_KEY.test(key))
    throw new ApiProblem('MR_REQUEST_INVALID', 'The Idempotency-Key must have 1 to 255 printable characters.', {
      errors: [{ pointer: '/headers/idempotency-key', message: 'Expected 1 to 255 printable ASCII characters.' }],
    });
  return { key, bodyHash: context.ports.sha256(canonicalJson(body as Json)) };
}
