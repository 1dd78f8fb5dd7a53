/** Starting an instance: the busiest route. Everything is decided here, and written by the next group commit. */
import { Type } from 'typebox';
import { uuidv7 } from 'uuidv7';
import { strict, WaitQuery } from '../../contract/common.ts';
import { Instance, StartBody, StartedInstance } from '../../contract/instances.ts';
import { assertNever } from '../../core/assert.ts';
import { definitionQueues } from '../../core/definition/index.ts';
import type { Definition } from '../../core/definition/types.ts';
import { type InstanceId, parseDefinitionId } from '../../core/ids.ts';
import { start } from '../../core/instance/index.ts';
import { canonicalJson, type Json, jsonByteLength } from '../../core/json.ts';
import type { Start } from '../../store/instance-store.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { isEnded, toInstance } from '../instance-view.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { waitFor, waitMsOf } from '../wait.ts';
import { findDefinition } from './lookups.ts';
import { responses, security } from './schemas.ts';

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

export function addStartRoutes(app: ApiApp, context: RouteContext): void {
  const { ports, limits, batcher, metrics, admission } = { ...context, admission: context.ports.admission };
  // Definitions whose queues' schemas are known: their messages can be made.
  const prepared = new WeakSet<Definition>();
  const schema = {
    operationId: 'startInstance',
    tags: ['instances'],
    summary: 'Start an instance',
    description:
      '201 with the id once it is committed. With `?wait=` 200 and the whole instance if it ended in time. A repeat with the same ' +
      '`Idempotency-Key` within 24 h starts nothing and gets the first answer.',
    security,
    params: Type.Object({ id: Type.String() }),
    querystring: Type.Object(WaitQuery, strict),
    headers: Type.Object({
      'idempotency-key': Type.Optional(Type.String({ description: 'At most 255 printable characters. Scope: the definition.' })),
    }),
    body: StartBody,
    response: responses({ 200: Instance, 201: StartedInstance }, 404, 413, 422),
  };
  app.post('/definitions/:id/instances', { schema, config: { permission: 'start' } }, async (request, reply) => {
    const { params, body, headers, query } = request;
    const waitMs = query.wait === undefined ? 0 : waitMsOf(query.wait, limits.waitMaxMs);
    const reason = admission.reasonToRefuse();
    if (reason !== null) {
      metrics.refusedStarts.inc();
      throw new ApiProblem(503, 'MR_NOT_PUBLISHING', `No instances are started now: ${reason}`, { headers: { 'retry-after': '5' } });
    }
    const definition = await definitionOf(context, params.id, body.version);
    const idempotency = idempotencyOf(context, headers['idempotency-key'], body);
    const values = {
      input: body.input ?? {},
      businessKey: body.businessKey ?? null,
      by: keyOf(request).subject,
      cause: `rest:${request.id}`,
    };
    assertPayload(headers['content-length'], values.input, limits.payloadBytes);
    const { instanceId, version } = await startOrRepeat(definition, values, idempotency);
    if (waitMs > 0) {
      const view = await waitFor(context, {
        instanceId,
        ms: waitMs,
        request,
        eager: false,
        async look() {
          const found = await ports.queries.get(instanceId);
          return found !== null && isEnded(found.row.status) ? found : undefined;
        },
      });
      if (view !== undefined) return reply.code(200).send(toInstance(view));
    }
    return reply
      .code(201)
      .header('location', `/v1/instances/${instanceId}`)
      .send({ instanceId, definition: { id: definition.id, version } });
  });

  async function startOrRepeat(definition: Definition, values: StartValues, idempotency: Start['idempotency']): Promise<Started> {
    if (!prepared.has(definition)) {
      await ports.outgoing.prepareQueues(definitionQueues(definition));
      prepared.add(definition);
    }
    let made: Start;
    try {
      assertInput(definition, values.input);
      made = makeStart(context, definition, values, idempotency);
    } catch (refusal) {
      // A version that was deployed since the first start may refuse what that one took: a repeat is answered all the same.
      const earlier = idempotency === null ? null : await ports.queries.startByKey(definition.id, idempotency.key);
      if (earlier === null || idempotency === null) throw refusal;
      if (earlier.bodyHash !== idempotency.bodyHash) throw keyReused();
      return { instanceId: earlier.instanceId, version: earlier.definitionVersion };
    }
    const result = await batcher.submit(made);
    switch (result.kind) {
      case 'started':
        metrics.starts.inc({ definition: definition.id });
        return { instanceId: made.transition.instanceId, version: definition.version };
      case 'repeated':
        return { instanceId: result.instanceId, version: result.definitionVersion };
      case 'keyReused':
        throw keyReused();
      case 'failed':
        throw result.error;
      default:
        return assertNever(result);
    }
  }
}

type Started = { readonly instanceId: InstanceId; readonly version: number };

function keyReused(): ApiProblem {
  return new ApiProblem(422, 'MR_IDEMPOTENCY_KEY_REUSED', 'The Idempotency-Key was used with another body.', {
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
  // A body that is so small holds an input within the limit: written out, no number is four times as long (1e15).
  if (contentLength !== undefined && Number(contentLength) * 4 <= bytesMax) return;
  if (jsonByteLength(input) <= bytesMax) return;
  throw new ApiProblem(413, 'MR_PAYLOAD_TOO_LARGE', `The input is larger than ${bytesMax} bytes.`, {
    errors: [{ pointer: '/input', message: 'Send a reference to the data instead.' }],
  });
}

function assertInput(definition: Definition, input: Json): void {
  const faults = definition.input?.compiled.validate(input) ?? [];
  if (faults.length === 0) return;
  throw new ApiProblem(422, 'MR_INPUT_INVALID', `The input does not fit the schema of ${definition.id}, version ${definition.version}.`, {
    errors: faults.map(({ pointer, message }) => ({ pointer: `/input${pointer}`, message })),
  });
}

function idempotencyOf(context: RouteContext, key: string | undefined, body: StartBody): Start['idempotency'] {
  if (key === undefined) return null;
  if (!IDEMPOTENCY_KEY.test(key))
    throw new ApiProblem(400, 'MR_REQUEST_INVALID', 'The Idempotency-Key must have 1 to 255 printable characters.', {
      errors: [{ pointer: '/headers/idempotency-key', message: 'Expected 1 to 255 printable ASCII characters.' }],
    });
  return { key, bodyHash: context.ports.sha256(canonicalJson(body as Json)) };
}

type StartValues = { readonly input: Json; readonly businessKey: string | null; readonly by: string; readonly cause: string };

function makeStart({ ports, limits }: RouteContext, definition: Definition, values: StartValues, idempotency: Start['idempotency']): Start {
  // Made here before partition and payload: UUIDv7 in lower case.
  const instanceId = uuidv7() as InstanceId;
  const started = start(definition, { instanceId, ...values }, ports.now(), limits);
  if (!started.ok) {
    const { error } = started.error;
    throw new ApiProblem(422, 'MR_START_REFUSED', `The definition cannot be started with this input: ${error.message}`, {
      errors: [{ pointer: '/input', message: error.message, code: error.code }],
    });
  }
  const step = started.value;
  return {
    idempotency,
    transition: {
      instanceId,
      partition: ports.outgoing.partitionOf(instanceId),
      before: null,
      expectedVersion: 0,
      after: step.state,
      history: step.history,
      effects: step.effects,
      messages: ports.outgoing.ofEffects(step.state, step.effects),
    },
  };
}
