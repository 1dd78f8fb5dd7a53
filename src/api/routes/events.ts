/** External events by REST. They go through the outbox to the topic of events, like events that others write to Kafka. */
import { uuidv7 } from 'uuidv7';
import { NoQuery } from '../../contract/common.ts';
import { EventAccepted, EventBody } from '../../contract/events.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { assertFitsMessage } from '../message-size.ts';
import { responses, security } from './schemas.ts';

const DEFAULT_SOURCE = 'millrace.rest';

export function addEventRoutes(app: ApiApp, { ports, limits }: RouteContext): void {
  const schema = {
    operationId: 'sendEvent',
    tags: ['events'],
    summary: 'Send an external event',
    description: 'Every instance that waits for it gets it once. If none waits, it is kept for its time to live.',
    security,
    querystring: NoQuery,
    body: EventBody,
    response: responses({ 202: EventAccepted }, 413, 422),
  };
  app.post('/events', { schema, config: { permission: 'sendEvents' } }, async ({ body }, reply) => {
    const { id = uuidv7(), type, source = DEFAULT_SOURCE, key, time, data = null } = body;
    assertFitsMessage('data', data, limits);
    const at = time === undefined ? null : Date.parse(time);
    await ports.instances.publish([ports.outgoing.ofEvent({ id, type, source, key, time: at, data })]);
    return reply.code(202).send({ id });
  });
}
