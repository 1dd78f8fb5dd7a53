/** The route that starts instances. How an instance is started is in `engine/start`; here is the HTTP around it. */
import { Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import { Instance, StartBody, StartedInstance } from '../../contract/instances.ts';
import { assertNever } from '../../core/assert.ts';
import type { Definition } from '../../core/definition/types.ts';
import { parseDefinitionId } from '../../core/ids.ts';
import { canonicalJson, type Json, jsonByteLength } from '../../core/json.ts';
import type { StartOutcome, StartRequest } from '../../engine/start/start-instance.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { isEnded, toInstance } from '../instance-view.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { waitFor, waitMsOf } from '../wait.ts';
import { findDefinition } from './lookups.ts';
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
  app.post('/definitions/:id/instances', { schema, config: { permission: 'start' } }, async (request, reply) => {
    const { params, body, headers, query } = request;
    const waitMs = query.wait === undefined ? 0 : waitMsOf(query.wait, limits.waitMaxMs);
    assertAdmitted(context);
    const definition = await definitionOf(context, params.id, body.version);
    const idempotency = idempotencyOf(context, headers['idempotency-key'], body);
    const input = body.input ?? {};
    assertPayload(headers['content-length'], input, limits.payloadBytes);
    const businessKey = body.businessKey ?? null;
    const by = keyOf(request).subject;
    const started = await startInstance({ definition, input, businessKey, by, cause: `rest:${request.id}`, idempotency });
    assertStarted(started, definition);
    const { instanceId, version } = started;
    if (started.kind === 'started') metrics.starts.inc({ definition: definition.id });
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
      if (view !== undefined) return reply.code(200).send(toInstance(view));
    }
    return reply
      .code(201)
      .header('location', `/v1/instances/${instanceId}`)
      .send({ instanceId, definition: { id: definition.id, version } });
  });
}

/** @throws the problem of a start while nothing is published. */
export function assertAdmitted({ ports, metrics }: RouteContext): void {
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
      throw keyReused();
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

function keyReused(): ApiProblem {
  return new ApiProblem('MR_IDEMPOTENCY_KEY_REUSED', 'The Idempotency-Key was used with another body.', {
    errors: [{ pointer: '/headers/idempotency-key', message: 'Use a new key for another start.' }],
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
