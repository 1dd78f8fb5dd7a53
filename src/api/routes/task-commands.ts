/** What people do to their tasks: complete or vote, fail, delegate, comment. The actor is the subject of the key, or the person whom an admin key names. */
import { type TSchema, Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import { CommandAnswer } from '../../contract/instances.ts';
import { CommentBody, CompleteBody, DelegateBody, FailBody } from '../../contract/tasks.ts';
import type { HumanNode } from '../../core/definition/types.ts';
import { parseDefinitionId } from '../../core/ids.ts';
import type { PersonCommand } from '../../core/instance/decide/notification.ts';
import type { Json } from '../../core/json.ts';
import { refusalOn } from '../../core/nodes/human/refusals.ts';
import type { ApiKey } from '../../store/definition-store.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { HumanTaskRow } from '../../store/instance-queries.ts';
import { LoopTurns } from '../../store/loop-turns.ts';
import { answerCommand } from '../answer-command.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { assertFitsMessage } from '../message-size.ts';
import { ApiProblem } from '../problem.ts';
import { humanNodeOf } from '../task-view.ts';
import { taskOf } from './lookups.ts';
import { assertAttempt, assertMayAct, assertNotClaimedByOther, findOpenTask } from './open-task.ts';
import { responses, security } from './schemas.ts';

export function addTaskCommandRoutes(app: ApiApp, context: RouteContext): void {
  add<CompleteBody>(
    app,
    context,
    'complete',
    'Complete a task, or vote where several people decide it',
    CompleteBody,
    async (body, task, node) => {
      const output = outputOf(body);
      assertFitsMessage('output', output, context.limits);
      await assertFits(node, output);
      const { outcome, comment } = body;
      return {
        type: task.approvals === null ? 'completeTask' : 'voteTask',
        ...placeOf(task),
        output,
        ...(outcome === undefined ? {} : { outcome }),
        ...(comment === undefined ? {} : { comment }),
      };
    },
  );
  add<FailBody>(app, context, 'fail', 'Fail a task: its edges `on: "failed"` are evaluated', FailBody, ({ error }, task) => ({
    ...{ type: 'failTask', ...placeOf(task), error },
  }));
  add<DelegateBody>(app, context, 'delegate', 'Hand a task to another person', DelegateBody, ({ to, comment = null }, task) => ({
    ...{ type: 'delegateTask', ...placeOf(task), to, comment },
  }));
  add<CommentBody>(app, context, 'comment', 'Keep a comment with a task', CommentBody, ({ text }, task) => ({
    ...{ type: 'commentTask', ...placeOf(task), text },
  }));
}

type Common = { readonly attempt?: number; readonly assignee?: string };

function add<Body extends Common>(
  app: ApiApp,
  context: RouteContext,
  name: 'complete' | 'fail' | 'delegate' | 'comment',
  summary: string,
  body: TSchema,
  commandOf: (body: Body, task: HumanTaskRow, node: HumanNode | null) => PersonCommand | Promise<PersonCommand>,
): void {
  const schema = {
    ...{ operationId: `${name}Task`, summary, tags: ['tasks'], security, body, params: Type.Object({ id: Type.String() }) },
    querystring: Type.Object(WaitQuery, strict),
    response: responses({ 200: CommandAnswer, 202: CommandAnswer }, 404, 409, 413, 422),
  };
  app.post(`/tasks/:id/${name}`, { config: { permission: 'actOnTasks' }, schema }, async (request, reply) => {
    const { instanceId, path } = taskOf(request.params.id);
    const task = await findOpenTask(context, instanceId, path);
    // The schema above has checked it.
    const given = request.body as Body;
    const key = keyOf(request);
    const by = assertMayAct(key, task, given.assignee);
    // Whoever comments decides nothing.
    if (name !== 'comment') assertNotClaimedByOther(key, task, by);
    assertAttempt(task, given.attempt);
    const node = await nodeOf(context, task);
    const command = await commandOf(given, task, node);
    assertAllowed(task, node, command, by);
    if (name === 'delegate') await releaseClaim(context, key, task, by);
    const issued = await answerCommand(context, { instanceId, command, by, wait: request.query.wait, request });
    return reply.code(issued.status).send(issued.body);
  });
}

function placeOf({ path, attempt }: HumanTaskRow): Pick<HumanTaskRow, 'path' | 'attempt'> {
  return { path, attempt };
}

async function nodeOf({ ports: { cache } }: RouteContext, task: HumanTaskRow): Promise<HumanNode | null> {
  const id = parseDefinitionId(task.definitionId);
  return humanNodeOf(id === undefined ? null : await cache.get(id, task.definitionVersion), task);
}

/** A button alone is an answer; anything else is given as the output. */
function outputOf({ output, outcome }: CompleteBody): Json {
  if (output !== undefined) return output;
  if (outcome !== undefined) return {};
  throw new ApiProblem('MR_REQUEST_INVALID', 'The request is invalid: /output: The field is missing.', {
    errors: [{ pointer: '/output', message: 'The field is missing.' }],
  });
}

async function assertFits(node: HumanNode | null, output: Json): Promise<void> {
  const form = node?.form ?? null;
  if (form === null) return;
  // Checking a large output takes a tenth of a second, and so does making a command of it.
  const turns = new LoopTurns();
  const errors = await inTurns(form.compiled.validateInParts(output));
  if (turns.isOver) await turns.take();
  if (errors.length === 0) return;
  throw new ApiProblem('MR_FORM_INVALID', 'The output does not fit the form of the task.', {
    errors: errors.map(({ pointer, message }) => ({ pointer: `/output${pointer}`, message })),
  });
}

/** What the core will refuse is refused at once. */
function assertAllowed(task: HumanTaskRow, node: HumanNode | null, command: PersonCommand, by: string): void {
  const { path, voters, excluded: notBy } = task;
  const refusal = refusalOn({ path, voters, notBy, outcomes: node?.outcomes ?? null, comments: 0, delegations: 0 }, command, by);
  if (refusal === null) return;
  const pointer = refusal.code === 'MR_TASK_OUTCOME' ? '/outcome' : command.type === 'delegateTask' ? '/to' : null;
  throw new ApiProblem(refusal.code, refusal.reason, pointer === null ? {} : { errors: [{ pointer, message: refusal.reason }] });
}

/** The claim of who gives the task away must not keep the other from it. */
async function releaseClaim({ ports }: RouteContext, key: ApiKey, { instanceId, path, assignee }: HumanTaskRow, by: string): Promise<void> {
  if (assignee !== null) await ports.instances.unclaim(instanceId, path, key.role === 'admin' ? null : by);
}
