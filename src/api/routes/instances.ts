/** Reading instances: search, state, history, tasks. */
import { Type } from 'typebox';
import { PageQuery, strict, UnmaskedQuery } from '../../contract/common.ts';
import { HistoryPage, HistoryQuery, Instance, InstancePage, InstanceQuery } from '../../contract/instances.ts';
import { TaskPage } from '../../contract/tasks.ts';
import { shown, suggest } from '../../core/definition/errors.ts';
import { type EntryType, entryTypes, failureTypes, isEntryType } from '../../core/instance/history/entry-types.ts';
import { decodeCursor, encodeCursor } from '../../store/cursor.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { toHistoryEntry, toSummary } from '../instance-view.ts';
import { assertMayUnmask, marksOf } from '../masking.ts';
import { ApiProblem } from '../problem.ts';
import { toTask } from '../task-view.ts';
import { assertInstance, findInstance, instanceFilterOf, instanceIdOf } from './lookups.ts';
import { viewOf } from './queues.ts';
import { responses, security } from './schemas.ts';

type Order = NonNullable<HistoryQuery['order']>;

const byId = Type.Object({ id: Type.String() });
const page = Type.Object({ ...PageQuery, ...UnmaskedQuery }, strict);
const view = Type.Object(UnmaskedQuery, strict);
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
      const { limit, cursor = null, ...asked } = query;
      const filter = instanceFilterOf(asked);
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
        querystring: view,
        response: responses({ 200: Instance }, 404),
      },
    },
    async (request) => {
      const { params, query } = request;
      assertMayUnmask(request, query.unmasked);
      const found = await findInstance(context, instanceIdOf(params.id));
      return await viewOf(context, found, await marksOf(context, found.row, query.unmasked));
    },
  );

  app.get(
    '/instances/:id/history',
    {
      config,
      schema: {
        ...common,
        operationId: 'getHistory',
        summary: 'History of an instance, oldest first unless the newest are asked for',
        params: byId,
        querystring: HistoryQuery,
        response: responses({ 200: HistoryPage }, 404),
      },
    },
    async (request) => {
      const { params, query } = request;
      assertMayUnmask(request, query.unmasked);
      const instanceId = instanceIdOf(params.id);
      const { order = 'asc', limit, cursor } = query;
      const types = typesOf(query);
      const from = cursor === undefined ? null : seqOf(order, cursor);
      const { entries, hasMore } = await queries.history(instanceId, from, limit, { order, ...(types === null ? {} : { types }) });
      // After the entries, so that a migration between the two only masks more by its version.
      const { row } = await assertInstance(context, instanceId);
      const marks = await marksOf(context, row, query.unmasked);
      const last = entries.at(-1);
      return {
        items: entries.map((entry) => toHistoryEntry(instanceId, entry, marks)),
        nextCursor: hasMore && last !== undefined ? encodeCursor(listOf(order), [last.seq]) : null,
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
    async (request) => {
      const { params, query } = request;
      assertMayUnmask(request, query.unmasked);
      const instanceId = instanceIdOf(params.id);
      const { items, nextCursor } = await queries.tasks(instanceId, query.limit, query.cursor ?? null);
      // Each row says the version that its instance is on.
      const of = items[0] ?? (await assertInstance(context, instanceId)).row;
      const marks = await marksOf(context, of, query.unmasked);
      return { items: items.map((item) => toTask(item, marks)), nextCursor };
    },
  );
}

/** null: all. @throws a 400 that names the types there are. */
function typesOf({ type, only }: HistoryQuery): readonly EntryType[] | null {
  if (type === undefined) return only === undefined ? null : failureTypes;
  if (only !== undefined) throw invalid('/query/only', 'Give either `type` or `only`, not both.');
  const names = Object.keys(entryTypes);
  return type.split(',').map((name) => {
    if (isEntryType(name)) return name;
    throw invalid('/query/type', `There is no type of entry ${shown(name)}.${suggest(name, names)} The types are ${names.join(', ')}.`);
  });
}

/** A page ends at the entry with this number. A cursor is one of its order: in the other one it would go back. */
function seqOf(order: Order, cursor: string): number {
  return Number(decodeCursor(listOf(order), cursor, [/^\d{1,9}$/])[0]);
}

function listOf(order: Order): string {
  return order === 'asc' ? 'history' : 'history-newest-first';
}

function invalid(pointer: string, message: string): ApiProblem {
  return new ApiProblem('MR_REQUEST_INVALID', message, { errors: [{ pointer, message }] });
}
