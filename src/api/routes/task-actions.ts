/** Actions on human tasks: claim and unclaim. What decides a task, or is kept with it, is in `task-commands.ts`. */
import type { FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { NoQuery } from '../../contract/common.ts';
import { ClaimBody, InboxTask } from '../../contract/tasks.ts';
import type { HumanTaskRow } from '../../store/instance-queries.ts';
import { actorOf, keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { shownTo } from '../masking.ts';
import { ApiProblem } from '../problem.ts';
import { taskOf } from './lookups.ts';
import { assertMayAct, findOpenTask, notOpen } from './open-task.ts';
import { responses, security } from './schemas.ts';

const config = { permission: 'actOnTasks' } as const;
const params = Type.Object({ id: Type.String() });

export function addTaskActionRoutes(app: ApiApp, context: RouteContext): void {
  const { instances } = context.ports;
  const schemaOf = <Body extends TSchema>(operationId: string, summary: string, body: Body) => ({
    ...{ operationId, summary, body, params, security },
    tags: ['tasks'],
  });

  const shown = (request: FastifyRequest, task: HumanTaskRow) => shownTo(context, keyOf(request), task);

  app.post(
    '/tasks/:id/claim',
    {
      config,
      schema: {
        ...schemaOf('claimTask', 'Claim a task', ClaimBody),
        querystring: NoQuery,
        response: responses({ 200: InboxTask }, 404, 409),
      },
    },
    async (request) => {
      const { instanceId, path } = taskOf(request.params.id);
      const task = await findOpenTask(context, instanceId, path);
      const actor = assertMayAct(keyOf(request), task, request.body.assignee);
      const claimed = await instances.claim(instanceId, path, actor);
      if (claimed === null) throw notOpen();
      if (claimed.assignee !== actor) throw new ApiProblem('MR_TASK_CLAIMED', `${claimed.assignee} has claimed the task.`);
      return await shown(request, { ...task, assignee: actor });
    },
  );

  app.post(
    '/tasks/:id/unclaim',
    {
      config,
      schema: {
        ...schemaOf('unclaimTask', 'Release the claim of a task', ClaimBody),
        querystring: NoQuery,
        response: responses({ 200: InboxTask }, 404, 409),
      },
    },
    async (request) => {
      const { instanceId, path } = taskOf(request.params.id);
      const task = await findOpenTask(context, instanceId, path);
      const key = keyOf(request);
      // Who holds the claim may release it, also after the task has gone to others.
      const actor = actorOf(key, request.body.assignee);
      if (task.assignee !== actor) assertMayAct(key, task, request.body.assignee);
      if (task.assignee === null) return await shown(request, task);
      // An admin may release anybody's claim.
      const given = await instances.unclaim(instanceId, path, key.role === 'admin' ? null : actor);
      if (!given) throw new ApiProblem('MR_TASK_CLAIMED', 'The task is claimed by somebody else, or no longer open.');
      return await shown(request, { ...task, assignee: null });
    },
  );
}
