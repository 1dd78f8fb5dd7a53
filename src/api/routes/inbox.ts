/** Reading the inbox of human tasks, and single tasks of any type. */
import { Type } from 'typebox';
import { NoQuery, strict, UnmaskedQuery } from '../../contract/common.ts';
import { InboxPage, InboxQuery, NextTask, TaskDetail } from '../../contract/tasks.ts';
import { parseDefinitionId } from '../../core/ids.ts';
import type { ApiKey } from '../../store/definition-store.ts';
import type { HumanTaskFilter, Mine } from '../../store/instance-queries.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { assertMayUnmask, marksOf, mayDo, shownTo } from '../masking.ts';
import { notFound } from '../problem.ts';
import { toTaskDetail } from '../task-view.ts';
import { instanceIdIn, taskOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

const config = { permission: 'read' } as const;

export function addInboxRoutes(app: ApiApp, context: RouteContext): void {
  const { queries, cache } = context.ports;
  const common = { tags: ['tasks'], security };

  app.get(
    '/tasks',
    {
      config,
      schema: {
        ...common,
        operationId: 'listInbox',
        summary: 'Open human tasks',
        description: 'A task that was just completed is no longer listed, although its completion may not be applied yet.',
        querystring: InboxQuery,
        response: responses({ 200: InboxPage }),
      },
    },
    async (request) => {
      const { limit, cursor = null, assignee, mine = false, dueBefore, instanceId, ...same } = request.query;
      const filter: HumanTaskFilter = {
        ...same,
        ...(assignee === undefined ? {} : { assignee: assignee === 'me' ? keyOf(request).subject : assignee }),
        ...(mine ? { mine: mineOf(keyOf(request)) } : {}),
        ...(dueBefore === undefined ? {} : { dueBefore: Date.parse(dueBefore) }),
        ...(instanceId === undefined ? {} : { instanceId: instanceIdIn('instanceId', instanceId) }),
      };
      const { items, nextCursor } = await queries.inbox(filter, limit, cursor);
      return { items: await Promise.all(items.map((row) => shownTo(context, keyOf(request), row))), nextCursor };
    },
  );

  app.get(
    '/tasks/next',
    {
      config,
      schema: {
        ...common,
        operationId: 'nextTask',
        summary: 'The task that the subject of the key should do next',
        description: 'What is claimed comes first, then what is due soonest, then the oldest.',
        querystring: NoQuery,
        response: responses({ 200: NextTask }),
      },
    },
    async (request) => {
      const key = keyOf(request);
      const next = await queries.nextTask(mineOf(key));
      return { task: next === null ? null : await shownTo(context, key, next) };
    },
  );

  app.get(
    '/tasks/:id',
    {
      config,
      schema: {
        ...common,
        operationId: 'getTask',
        summary: 'One task, with its form if it is a human task',
        params: Type.Object({ id: Type.String() }),
        querystring: Type.Object(UnmaskedQuery, strict),
        response: responses({ 200: TaskDetail }, 404),
      },
    },
    async (request) => {
      const { params, query } = request;
      assertMayUnmask(request, query.unmasked);
      const { instanceId, path } = taskOf(params.id);
      const row = await queries.task(instanceId, path);
      if (row === null) throw notFound('There is no such task.');
      const id = row.type === 'human' ? parseDefinitionId(row.definitionId) : undefined;
      const definition = id === undefined ? null : await cache.get(id, row.definitionVersion);
      const { assignee, human } = row;
      const isOwn = human !== null && mayDo(keyOf(request), { assignees: human.assignees, assignee });
      return toTaskDetail(row, definition, await marksOf(context, row, query.unmasked), isOwn);
    },
  );
}

function mineOf({ subject, taskRoles }: ApiKey): Mine {
  return { person: subject, roles: taskRoles };
}
