/** Queues of tasks: list them, pause and resume one. Workers are told through the outbox. */

import { Type } from 'typebox';
import { NoQuery } from '../../contract/common.ts';
import { EmptyBody, type Instance } from '../../contract/instances.ts';
import { PauseQueueBody, Queue, QueueList } from '../../contract/queues.ts';
import type { Marks } from '../../core/definition/typed/marks.ts';
import type { InstanceView } from '../../store/instance-queries.ts';
import type { QueueRow } from '../../store/queues.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { toInstance, toPause, withPauses } from '../instance-view.ts';
import { notFound } from '../problem.ts';
import { responses, security } from './schemas.ts';

export function addQueueRoutes(app: ApiApp, { ports }: RouteContext): void {
  const { queues, outgoing } = ports;
  const common = { tags: ['queues'], security };
  const params = Type.Object({ queue: Type.String() });

  app.get(
    '/queues',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'listQueues',
        summary: 'Queues, and which of them are paused',
        querystring: NoQuery,
        response: responses({ 200: QueueList }),
      },
    },
    async () => ({ items: (await queues.list()).map(toQueue) }),
  );

  app.post(
    '/queues/:queue/pause',
    {
      config: { permission: 'control' },
      schema: {
        ...common,
        operationId: 'pauseQueue',
        summary: 'Let workers begin no task of a queue',
        description:
          'What runs ends normally, and its outcome counts; the queueTimeout of what waits stands still. A queue that is paused stays so, with ' +
          'its first reason, and its workers are told again.',
        params,
        querystring: NoQuery,
        body: PauseQueueBody,
        response: responses({ 200: Queue }, 404),
      },
    },
    async (request) => {
      const { queue } = request.params;
      const { reason = null } = request.body;
      return found(queue, await queues.pause(queue, keyOf(request).subject, reason, (state) => outgoing.ofQueue(state)));
    },
  );

  app.post(
    '/queues/:queue/resume',
    {
      config: { permission: 'control' },
      schema: {
        ...common,
        operationId: 'resumeQueue',
        summary: 'Let workers begin tasks of a queue again',
        description: 'A queue that is not paused stays so, and its workers are told again.',
        params,
        querystring: NoQuery,
        body: EmptyBody,
        response: responses({ 200: Queue }, 404),
      },
    },
    async (request) => {
      const { queue } = request.params;
      return found(queue, await queues.resume(queue, keyOf(request).subject, (state) => outgoing.ofQueue(state)));
    },
  );
}

/** An instance whose work says so where its queue is paused. */
export async function viewOf({ ports }: Pick<RouteContext, 'ports'>, view: InstanceView, marks: Marks | null): Promise<Instance> {
  const instance = toInstance(view, marks);
  const isWaiting = instance.open.some(({ waitingFor }) => waitingFor.kind === 'worker');
  return isWaiting ? withPauses(instance, await ports.queues.list()) : instance;
}

function found(queue: string, row: QueueRow | null): Queue {
  if (row === null) throw notFound(`There is no queue ${queue.slice(0, 130)}: no definition that was deployed names it.`);
  return toQueue(row);
}

function toQueue({ queue, pause }: QueueRow): Queue {
  return { queue, paused: pause === null ? null : toPause(queue, pause) };
}
