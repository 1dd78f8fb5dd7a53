/** Triggers: read them, switch them off and on, and fire one by hand, which is a start like any other. */
import { Type } from 'typebox';
import { NoQuery } from '../../contract/common.ts';
import { StartedInstance } from '../../contract/instances.ts';
import { DefinitionTriggers, FireBody, TriggersPage, TriggersQuery } from '../../contract/triggers.ts';
import type { Trigger } from '../../core/definition/triggers/types.ts';
import type { Definition } from '../../core/definition/types.ts';
import { parseInstant } from '../../core/duration.ts';
import { type DefinitionId, parseDefinitionId } from '../../core/ids.ts';
import type { Json } from '../../core/json.ts';
import { toEnd } from '../../core/parts.ts';
import { startByEvent } from '../../core/triggers/event-start.ts';
import { inputAt } from '../../core/triggers/schedule-start.ts';
import type { StartRequest } from '../../engine/start/start-instance.ts';
import type { TriggersRow } from '../../store/schedules.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { toDefinitionTriggers } from '../trigger-view.ts';
import { responses, security } from './schemas.ts';
import { assertStarted, atTheGate, idempotencyOf, leaveGate } from './starts.ts';

const NAME = Type.String({ description: 'Its `name`, or its place in the definition, counted from 1.' });

export function addTriggerRoutes(app: ApiApp, context: RouteContext): void {
  const { ports, metrics, startInstance } = context;
  const common = { tags: ['triggers'], security };
  const ofDefinition = Type.Object({ id: Type.String() });
  const ofTrigger = Type.Object({ id: Type.String(), name: NAME });

  app.get(
    '/triggers',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'listTriggers',
        summary: 'Triggers of all definitions that have some, by id',
        querystring: TriggersQuery,
        response: responses({ 200: TriggersPage }),
      },
    },
    async ({ query: { limit, cursor = null } }) => {
      const { items, nextCursor } = await ports.queries.triggers(null, limit, cursor);
      return { items: await Promise.all(items.map(async (row) => toDefinitionTriggers(await definitionOf(row), row))), nextCursor };
    },
  );

  app.get(
    '/definitions/:id/triggers',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'getTriggers',
        summary: 'Triggers of a definition',
        params: ofDefinition,
        querystring: NoQuery,
        response: responses({ 200: DefinitionTriggers }, 404),
      },
    },
    async ({ params }) => await viewOf(params.id),
  );

  for (const action of ['pause', 'resume'] as const) {
    const summary = action === 'pause' ? 'Pause' : 'Resume';
    const about =
      action === 'pause'
        ? 'Events that come meanwhile start nothing, and are not made up for later.'
        : 'Schedules continue after now; times that passed start nothing, and are listed.';
    const rest = { description: about, querystring: NoQuery, body: Type.Object({}, { additionalProperties: false }) };
    const response = responses({ 200: DefinitionTriggers }, 404, 409);
    app.post(
      `/definitions/:id/triggers/${action}`,
      {
        config: { permission: 'control' },
        schema: {
          ...common,
          ...rest,
          operationId: `${action}Triggers`,
          summary: `${summary} all triggers of a definition`,
          params: ofDefinition,
          response,
        },
      },
      async ({ params }) => await switchTo(params.id, null, action === 'pause'),
    );
    app.post(
      `/definitions/:id/triggers/:name/${action}`,
      {
        config: { permission: 'control' },
        schema: { ...common, ...rest, operationId: `${action}Trigger`, summary: `${summary} one trigger`, params: ofTrigger, response },
      },
      async ({ params }) => await switchTo(params.id, params.name, action === 'pause'),
    );
  }

  app.post(
    '/definitions/:id/triggers/:name/fire',
    {
      ...atTheGate(context),
      config: { permission: 'start' },
      schema: {
        ...common,
        operationId: 'fireTrigger',
        summary: 'Start an instance as the trigger would, now',
        description: 'It starts one also while the trigger is paused or a run goes on, and the schedule does not count it.',
        params: ofTrigger,
        querystring: NoQuery,
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ description: 'At most 255 printable characters, unique within the definition.' })),
        }),
        body: FireBody,
        response: responses({ 201: StartedInstance }, 404, 422),
      },
    },
    async (request, reply) => {
      const { params, body, headers } = request;
      const { definition } = await find(params.id);
      const trigger = triggerOf(definition, params.name);
      const idempotency = idempotencyOf(context, headers['idempotency-key'], { trigger: trigger.name, ...body } as Json);
      const start = startOf(definition, trigger, body);
      const by = keyOf(request).subject;
      const started = await startInstance({ definition, ...start, by, cause: `rest:${request.id}`, idempotency }).finally(() =>
        leaveGate(request),
      );
      assertStarted(started, definition);
      const { instanceId, version } = started;
      if (started.kind === 'started') metrics.starts.inc();
      return reply
        .code(201)
        .header('location', `/v1/instances/${instanceId}`)
        .send({ instanceId, definition: { id: definition.id, version } });
    },
  );

  function startOf(definition: Definition, trigger: Trigger, body: FireBody): Pick<StartRequest, 'input' | 'businessKey'> {
    const now = ports.now();
    const { limits } = context;
    if (trigger.kind === 'schedule') {
      if (body.event !== undefined) throw misplaced('/event', 'A schedule takes no event.');
      const time = body.time === undefined ? now : (parseInstant(body.time) ?? now);
      const input = inputAt(trigger, time, now, limits);
      if (!input.ok) throw refused(definition, input.error.message);
      return { input: input.value, businessKey: null };
    }
    if (body.event === undefined)
      throw misplaced(
        '/event',
        `This trigger starts on an event of the type ${trigger.event}: give "event" with its "key", and "data" if it has some.`,
      );
    if (body.time !== undefined) throw misplaced('/time', 'Only a schedule takes a time: an event has a time of its own.');
    const { id = 'by-hand', source = 'by-hand', key, time, data = null } = body.event;
    const event = { id, source, key, type: trigger.event, data, time: time === undefined ? null : (parseInstant(time) ?? null) };
    const verdict = toEnd(startByEvent({ triggers: [trigger] }, [], event, now, limits));
    if (verdict.kind === 'failed') throw refused(definition, verdict.error.message);
    if (verdict.kind === 'nothing') throw refused(definition, 'its "when" does not hold for this event.');
    return { input: verdict.input, businessKey: verdict.businessKey };
  }

  async function switchTo(id: string, name: string | null, isPaused: boolean) {
    const { definition, row } = await find(id);
    if (name !== null) {
      const trigger = triggerOf(definition, name);
      if (row.isPaused && !isPaused && trigger.kind === 'event')
        throw new ApiProblem('MR_PAUSED', `All triggers of ${definition.id} are paused: resume them all.`);
    }
    await ports.instances.switchTriggers({ definitionId: definition.id, name, isPaused });
    return await viewOf(id);
  }

  async function viewOf(id: string): Promise<DefinitionTriggers> {
    const { definition, row } = await find(id);
    return toDefinitionTriggers(definition, row);
  }

  async function find(text: string): Promise<{ readonly definition: Definition; readonly row: TriggersRow }> {
    const id = parseDefinitionId(text);
    const row = id === undefined ? undefined : (await ports.queries.triggers(id, 1, null)).items[0];
    if (row === undefined) throw notFound(`There is no definition ${text.slice(0, 130)} that has triggers.`);
    return { definition: await definitionOf(row), row };
  }

  async function definitionOf({
    definitionId,
    version,
  }: {
    readonly definitionId: DefinitionId;
    readonly version: number;
  }): Promise<Definition> {
    const definition = await ports.cache.get(definitionId, version);
    if (definition === null) throw notFound(`There is no version ${version} of ${definitionId}.`);
    return definition;
  }
}

function triggerOf({ id, triggers }: Definition, name: string): Trigger {
  const trigger = triggers.find((each) => each.name === name);
  if (trigger === undefined) throw notFound(`${id} has no trigger ${name.slice(0, 130)}.`);
  return trigger;
}

function misplaced(pointer: string, message: string): ApiProblem {
  return new ApiProblem('MR_REQUEST_INVALID', message, { errors: [{ pointer, message }] });
}

function refused({ id }: Definition, why: string): ApiProblem {
  return new ApiProblem('MR_START_REFUSED', `${id} is not started by this trigger: ${why}`);
}
