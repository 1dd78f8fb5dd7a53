/**
 * Who sees what a definition marks as sensitive: an operator or admin who asks for it by `unmasked`, which is logged, and nobody else. A
 * title of a task is also seen whole by whoever may do the task.
 */
import type { FastifyRequest } from 'fastify';
import type { InboxTask } from '../contract/tasks.ts';
import { ALL_MARKED, type Marks } from '../core/definition/typed/marks.ts';
import { parseDefinitionId } from '../core/ids.ts';
import type { ApiKey } from '../store/definition-store.ts';
import type { HumanTaskRow } from '../store/instance-queries.ts';
import { keyOf, permissionsOf } from './auth.ts';
import type { RouteContext } from './context.ts';
import { ApiProblem } from './problem.ts';
import { toInboxTask } from './task-view.ts';

type OfDefinition = { readonly definitionId: string; readonly definitionVersion: number };

/** Before anything is read. @throws a 403 when the key may not see marked values. */
export function assertMayUnmask(request: FastifyRequest, unmasked: boolean | undefined): void {
  if (unmasked !== true) return;
  const { subject, keyId, role } = keyOf(request);
  if (!permissionsOf[role].includes('control'))
    throw new ApiProblem('MR_FORBIDDEN', `The role ${role} of the API key may not see masked values: leave "unmasked" out.`);
  request.log.info({ subject, keyId, url: request.url }, 'Somebody looks at values without masks');
}

/** @returns null: nothing is masked. While the definition cannot be read, everything is. */
export async function marksOf(
  { ports: { cache }, log }: RouteContext,
  { definitionId, definitionVersion }: OfDefinition,
  unmasked: boolean | undefined,
): Promise<Marks | null> {
  if (unmasked === true) return null;
  const id = parseDefinitionId(definitionId);
  if (id === undefined) return ALL_MARKED;
  try {
    return await cache.marks(id, definitionVersion);
  } catch (error) {
    log.warn(
      { err: error, definitionId, definitionVersion },
      'A definition cannot be read; views of its instances mask everything meanwhile',
    );
    return ALL_MARKED;
  }
}

/** Whether the task stands in the inbox of the key's own subject. An admin who may act for others sees as little as they ask for. */
export function mayDo(
  { role, subject, taskRoles }: ApiKey,
  { assignees, assignee }: Pick<HumanTaskRow, 'assignees' | 'assignee'>,
): boolean {
  if (!permissionsOf[role].includes('actOnTasks')) return false;
  return assignee === subject || assignees.users.includes(subject) || assignees.roles.some((one) => taskRoles.includes(one));
}

/** A task of the inbox, as the holder of the key sees it. */
export async function shownTo(context: RouteContext, key: ApiKey, row: HumanTaskRow): Promise<InboxTask> {
  return toInboxTask(row, mayDo(key, row) ? null : await marksOf(context, row, false));
}
