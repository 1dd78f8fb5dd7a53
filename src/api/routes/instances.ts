/** Reading instances: search, state, history, tasks. */
import { Type } from 'typebox';
import { NoQuery, PageQuery, strict } from '../../contract/common.ts';
import { HistoryPage, Instance, InstancePage, InstanceQuery } from '../../contract/instances.ts';
import { TaskPage } from '../../contract/tasks.ts';
import { decodeCursor, encodeCursor } from '../../store/cursor.ts';
import type { InstanceFilter } from '../../store/instance-queries.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { toHistoryEntry, toInstance, toSummary } from '../instance-view.ts';
import { toTask } from '../task-view.ts';
import { assertInstance, findInstance, instanceIdIn, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

const byId = Type.Object({ id: Type.String() });
const page = Type.Object(PageQuery, strict);
const config = { permission: 'read' } as const;

export function addInstanceRoutes(app: ApiApp, context: RouteContext): void {
  const { queries } = context.ports;
  const common = { tags: ['instances'], security };

  app.get(
    '/instances',
    {
      config,
      schema: {
        ...common,
        operationId: 'listInstances',
        summary: 'Find instances, newest first',
        querystring: InstanceQuery,
        response: responses({ 200: InstancePage }),
      },
    },
    async ({ query }) => {
      const { limit, cursor = null, parent, startedFrom, startedTo, ...same } = query;
      const filter: InstanceFilter = {
        ...same,
        ...(parent === undefined ? {} : { parent: instanceIdIn('parent', parent) }),
        ...(startedFrom === undefined ? {} : { startedFrom: Date.parse(startedFrom) }),
        ...(startedTo === undefined ? {} : { startedTo: Date.parse(startedTo) }),
      };
      const { items, nextCursor } = await queries.list(filter, limit, cursor);
      return { items: items.map(toSummary), nextCursor };
    },
  );

  app.get(
    '/instances/:id',
    {
      config,
      schema: {
        ...common,
        operationId: 'getInstance',
        summary: 'State of an instance, and why it waits',
        params: byId,
        querystring: NoQuery,
        response: responses({ 200: Instance }, 404),
      },
    },
    async ({ params }) => toInstance(await findInstance(context, instanceIdOf(params.id))),
  );

  app.get(
    '/instances/:id/history',
    {
      config,
      schema: {
        ...common,
        operationId: 'getHistory',
        summary: 'History of an instance, oldest first',
        params: byId,
        querystring: page,
        response: responses({ 200: HistoryPage }, 404),
      },
    },
    async ({ params, query }) => {
      const instanceId = instanceIdOf(params.id);
      const afterSeq = query.cursor === undefined ? 0 : seqOf(query.cursor);
      const { entries, hasMore } = await queries.history(instanceId, afterSeq, query.limit);
      if (entries.length === 0) await assertInstance(context, instanceId);
      const last = entries.at(-1);
      return {
        items: entries.map((entry) => toHistoryEntry(instanceId, entry)),
        nextCursor: hasMore && last !== undefined ? cursorOf(last.seq) : null,
      };
    },
  );

  app.get(
    '/instances/:id/tasks',
    {
      config,
      schema: {
        ...common,
        operationId: 'listTasksOfInstance',
        summary: 'Tasks of an instance, newest first',
        params: byId,
        querystring: page,
        response: responses({ 200: TaskPage }, 404),
      },
    },
    async ({ params, query }) => {
      const instanceId = instanceIdOf(params.id);
      const { items, nextCursor } = await queries.tasks(instanceId, query.limit, query.cursor ?? null);
      if (items.length === 0) await assertInstance(context, instanceId);
      return { items: items.map(toTask), nextCursor };
    },
  );
}

/** A page of the history ends at the entry with this number. */
function cursorOf(seq: number): string {
  return encodeCursor('history', [seq]);
}

function seqOf(cursor: string): number {
  return Number(decodeCursor('history', cursor, [/^\d{1,9}$/])[0]);
}
