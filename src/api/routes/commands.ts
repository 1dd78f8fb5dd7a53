/** Control of an instance: cancel, pause, resume, retry. A command that cannot have an effect is refused at once. */
import { type TSchema, Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import { CancelBody, CommandAnswer, EmptyBody, RetryBody } from '../../contract/instances.ts';
import { type InstanceId, parseTaskId, type TaskPath } from '../../core/ids.ts';
import { namedIncidents, refusalOf } from '../../core/instance/decide/command-preconditions.ts';
import type { CommandIssued } from '../../core/instance/decide/notification.ts';
import type { InstanceView } from '../../store/instance-queries.ts';
import { answerCommand } from '../answer-command.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { isEnded } from '../instance-view.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { findInstance, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

type Control = CommandIssued['command'] & { readonly type: 'cancel' | 'pause' | 'resume' | 'retry' };

export function addCommandRoutes(app: ApiApp, context: RouteContext): void {
  add(app, context, 'cancel', 'End an instance', CancelBody, (body) => ({
    type: 'cancel',
    reason: (body as { readonly reason?: string }).reason ?? null,
  }));
  add(app, context, 'pause', 'Start no new work and stop the timers', EmptyBody, () => ({ type: 'pause' }));
  add(app, context, 'resume', 'Continue after a pause', EmptyBody, () => ({ type: 'resume' }));
  add(app, context, 'retry', 'Resolve incidents with a new retry budget', RetryBody, (body, instanceId) => ({
    type: 'retry',
    path: pathOf((body as { readonly taskId?: string }).taskId, instanceId),
  }));
}

function add(
  app: ApiApp,
  context: RouteContext,
  name: Control['type'],
  summary: string,
  body: TSchema,
  commandOf: (body: unknown, instanceId: InstanceId) => Control,
): void {
  const schema = {
    operationId: `${name}Instance`,
    tags: ['instances'],
    summary,
    security,
    params: Type.Object({ id: Type.String() }),
    querystring: Type.Object(WaitQuery, strict),
    body,
    response: responses({ 200: CommandAnswer, 202: CommandAnswer }, 404, 409),
  };
  app.post(`/instances/:id/${name}`, { schema, config: { permission: 'control' } }, async (request, reply) => {
    const instanceId = instanceIdOf(request.params.id);
    const asked = commandOf(request.body, instanceId);
    const view = await findInstance(context, instanceId);
    const { subject } = keyOf(request);
    assertOfUse(view, asked, subject);
    const command = asked.type === 'retry' ? { ...asked, raisedBy: namedIncidents(view.state, asked.path) } : asked;
    const { status, body } = await answerCommand(context, { instanceId, command, by: subject, wait: request.query.wait, request });
    return reply.code(status).send(body);
  });
}

export function assertRunning({ row }: Pick<InstanceView, 'row'>): void {
  if (isEnded(row.status)) throw new ApiProblem('MR_INSTANCE_ENDED', `The instance has ended: it is ${row.status}.`);
}

/** Says nothing while commands are pending: their effects are not known yet. */
function assertOfUse(view: InstanceView, command: Control, by: string): void {
  assertRunning(view);
  if (view.pending.length > 0) return;
  const refusal = refusalOf(view.state, command, by);
  if (refusal === null) return;
  throw refusal.code === 'MR_TASK_UNKNOWN'
    ? notFound('The instance has no such task.')
    : new ApiProblem(refusal.code, refusal.reason, { status: 409 });
}

function pathOf(taskId: string | undefined, instanceId: InstanceId): TaskPath | null {
  if (taskId === undefined) return null;
  const parsed = parseTaskId(taskId);
  if (parsed === undefined || parsed.instanceId !== instanceId) throw notFound('The instance has no such task.');
  return parsed.path;
}
