/** Actions on human tasks: claim, unclaim, complete, fail. The actor is the subject of the key, or the person whom an admin key names. */
import { type TSchema, Type } from 'typebox';
import { NoQuery, strict, WaitQuery } from '../../contract/common.ts';
import { CommandAnswer } from '../../contract/instances.ts';
import { ClaimBody, CompleteBody, FailBody, InboxTask } from '../../contract/tasks.ts';
import { type InstanceId, parseDefinitionId, type TaskPath } from '../../core/ids.ts';
import { type Json, jsonByteLength } from '../../core/json.ts';
import type { ApiKey } from '../../store/definition-store.ts';
import type { HumanTaskRow } from '../../store/instance-queries.ts';
import { answerCommand } from '../answer-command.ts';
import { actorOf, keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { toInboxTask } from '../task-view.ts';
import { assertRunning } from './commands.ts';
import { taskOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

const config = { permission: 'actOnTasks' } as const;
const params = Type.Object({ id: Type.String() });

export function addTaskActionRoutes(app: ApiApp, context: RouteContext): void {
  const { instances, cache } = context.ports;
  const schemaOf = <Body extends TSchema>(operationId: string, summary: string, body: Body) => ({
    ...{ operationId, summary, body, params, security },
    tags: ['tasks'],
  });

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
      return toInboxTask({ ...task, assignee: actor });
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
      if (task.assignee === null) return toInboxTask(task);
      // An admin may release anybody's claim.
      const given = await instances.unclaim(instanceId, path, key.role === 'admin' ? null : actor);
      if (!given) throw new ApiProblem('MR_TASK_CLAIMED', 'The task is claimed by somebody else, or no longer open.');
      return toInboxTask({ ...task, assignee: null });
    },
  );

  app.post(
    '/tasks/:id/complete',
    {
      config,
      schema: {
        ...schemaOf('completeTask', 'Complete a task', CompleteBody),
        querystring: Type.Object(WaitQuery, strict),
        response: responses({ 200: CommandAnswer, 202: CommandAnswer }, 404, 409, 413, 422),
      },
    },
    async (request, reply) => {
      const { instanceId, path } = taskOf(request.params.id);
      const task = await findOpenTask(context, instanceId, path);
      const by = assertMayAct(keyOf(request), task, request.body.assignee);
      assertNotClaimedByOther(keyOf(request), task, by);
      const { output } = request.body;
      if (jsonByteLength(output) > context.limits.payloadBytes)
        throw new ApiProblem('MR_PAYLOAD_TOO_LARGE', `The output is larger than ${context.limits.payloadBytes} bytes.`, {
          errors: [{ pointer: '/output', message: 'Send a reference to the data instead.' }],
        });
      assertFits(await formOf(task), output);
      const command = { type: 'completeTask', path, attempt: task.attempt, output } as const;
      const issued = await answerCommand(context, { instanceId, command, by, wait: request.query.wait, request });
      return reply.code(issued.status).send(issued.body);
    },
  );

  app.post(
    '/tasks/:id/fail',
    {
      config,
      schema: {
        ...schemaOf('failTask', 'Fail a task: its edges `on: "failed"` are evaluated', FailBody),
        querystring: Type.Object(WaitQuery, strict),
        response: responses({ 200: CommandAnswer, 202: CommandAnswer }, 404, 409),
      },
    },
    async (request, reply) => {
      const { instanceId, path } = taskOf(request.params.id);
      const task = await findOpenTask(context, instanceId, path);
      const by = assertMayAct(keyOf(request), task, request.body.assignee);
      assertNotClaimedByOther(keyOf(request), task, by);
      const command = { type: 'failTask', path, attempt: task.attempt, error: request.body.error } as const;
      const issued = await answerCommand(context, { instanceId, command, by, wait: request.query.wait, request });
      return reply.code(issued.status).send(issued.body);
    },
  );

  async function formOf(task: HumanTaskRow) {
    const id = parseDefinitionId(task.definitionId);
    const definition = id === undefined ? null : await cache.get(id, task.definitionVersion);
    const node = [...(definition?.nodes.values() ?? [])].find(({ id: nodeId }) => nodeId === task.nodeId);
    return node?.type === 'human' ? node.form : null;
  }
}

function assertFits(
  form: { readonly compiled: { validate(value: Json): readonly { pointer: string; message: string }[] } } | null,
  output: Json,
) {
  const errors = form?.compiled.validate(output) ?? [];
  if (errors.length === 0) return;
  throw new ApiProblem('MR_FORM_INVALID', 'The output does not fit the form of the task.', {
    errors: errors.map(({ pointer, message }) => ({ pointer: `/output${pointer}`, message })),
  });
}

/** The row of the inbox. @throws a problem that says why there is none. */
async function findOpenTask(context: RouteContext, instanceId: InstanceId, path: TaskPath): Promise<HumanTaskRow> {
  const { queries } = context.ports;
  const open = await queries.inboxTask(instanceId, path);
  if (open !== null) return open;
  const [row, view] = await Promise.all([queries.task(instanceId, path), queries.get(instanceId)]);
  if (row === null || view === null) throw notFound('There is no such task.');
  if (row.type !== 'human') throw new ApiProblem('MR_TASK_NOT_HUMAN', `The task is not a human task; its type is ${row.type}.`);
  assertRunning(view);
  if (row.status === 'open') throw new ApiProblem('MR_TASK_DECIDED', 'Somebody has completed or failed the task already.');
  throw notOpen();
}

function notOpen(): ApiProblem {
  return new ApiProblem('MR_TASK_NOT_OPEN', 'The task is no longer open.');
}

/** @returns the actor. */
function assertMayAct(key: ApiKey, { assignees: { users, roles } }: HumanTaskRow, assignee: string | undefined): string {
  const actor = actorOf(key, assignee);
  if (key.role === 'admin' || (users.length === 0 && roles.length === 0)) return actor;
  if (users.includes(actor) || roles.some((role) => key.taskRoles.includes(role))) return actor;
  throw new ApiProblem('MR_NOT_ASSIGNED', `The task is not assigned to ${actor}.`);
}

function assertNotClaimedByOther(key: ApiKey, { assignee }: HumanTaskRow, actor: string): void {
  if (assignee === null || assignee === actor || key.role === 'admin') return;
  throw new ApiProblem('MR_TASK_CLAIMED', `${assignee} has claimed the task.`);
}
