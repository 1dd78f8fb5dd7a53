/** The open task of people that a request is about, and whether its sender may act on it. */
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import type { ApiKey } from '../../store/definition-store.ts';
import type { HumanTaskRow } from '../../store/instance-queries.ts';
import { actorOf } from '../auth.ts';
import type { RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { assertRunning } from './commands.ts';

/** The row of the inbox. @throws a problem that says why there is none. */
export async function findOpenTask(context: RouteContext, instanceId: InstanceId, path: TaskPath): Promise<HumanTaskRow> {
  const { queries } = context.ports;
  const open = await queries.inboxTask(instanceId, path);
  if (open !== null) return open;
  const [row, view] = await Promise.all([queries.task(instanceId, path), queries.find(instanceId)]);
  if (row === null || view === null) throw notFound('There is no such task.');
  if (row.type !== 'human') throw new ApiProblem('MR_TASK_NOT_HUMAN', `The task is not a human task; its type is ${row.type}.`);
  assertRunning(view);
  if (row.status === 'open') throw new ApiProblem('MR_TASK_DECIDED', 'Somebody has completed or failed the task already.');
  if (row.status === 'cancelled')
    throw new ApiProblem('MR_TASK_NOT_OPEN', 'The task was withdrawn: another branch of its instance made it unnecessary.');
  throw notOpen();
}

export function notOpen(): ApiProblem {
  return new ApiProblem('MR_TASK_NOT_OPEN', 'The task is no longer open.');
}

/** @returns the actor. */
export function assertMayAct(key: ApiKey, { assignees: { users, roles } }: HumanTaskRow, assignee: string | undefined): string {
  const actor = actorOf(key, assignee);
  if (key.role === 'admin' || (users.length === 0 && roles.length === 0)) return actor;
  if (users.includes(actor) || roles.some((role) => key.taskRoles.includes(role))) return actor;
  throw new ApiProblem('MR_NOT_ASSIGNED', `The task is not assigned to ${actor}.`);
}

export function assertNotClaimedByOther(key: ApiKey, { assignee }: HumanTaskRow, actor: string): void {
  if (assignee === null || assignee === actor || key.role === 'admin') return;
  throw new ApiProblem('MR_TASK_CLAIMED', `${assignee} has claimed the task.`);
}

/** @param seen attempt that the sender saw; undefined: whichever is open. */
export function assertAttempt({ attempt }: HumanTaskRow, seen: number | undefined): void {
  if (seen === undefined || seen === attempt) return;
  throw new ApiProblem('MR_TASK_NOT_OPEN', `Attempt ${seen} of the task is not open; attempt ${attempt} is.`, {
    errors: [{ pointer: '/attempt', message: 'Read the task again: it was opened anew since.' }],
  });
}
