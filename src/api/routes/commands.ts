/** Control of an instance: cancel, pause, resume, retry. What can be seen to be of no use is refused at once. */
import { type TSchema, Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import { CancelBody, CommandAnswer, EmptyBody, RetryBody } from '../../contract/instances.ts';
import { type InstanceId, parseTaskId, type TaskPath } from '../../core/ids.ts';
import { attemptUnderIncident } from '../../core/instance/decide-command.ts';
import type { CommandIssued, RaisedBy } from '../../core/instance/notification.ts';
import type { InstanceView } from '../../store/instance-queries.ts';
import { keyOf } from '../auth.ts';
import { issueCommand } from '../command-issuer.ts';
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
  add(app, context, 'pause', 'Start nothing new and stop the timers', EmptyBody, () => ({ type: 'pause' }));
  add(app, context, 'resume', 'Go on after a pause', EmptyBody, () => ({ type: 'resume' }));
  add(app, context, 'retry', 'Resolve incidents with a fresh retry budget', RetryBody, (body, instanceId) => ({
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
    assertOfUse(view, asked);
    const command = asked.type === 'retry' ? { ...asked, raisedBy: raisedBy(view, asked.path) } : asked;
    const { subject } = keyOf(request);
    const { status, body } = await issueCommand(context, { instanceId, command, by: subject, wait: request.query.wait, request });
    return reply.code(status).send(body);
  });
}

export function assertRunning({ row }: Pick<InstanceView, 'row'>): void {
  if (isEnded(row.status)) throw new ApiProblem(409, 'MR_INSTANCE_ENDED', `The instance has ended: it is ${row.status}.`);
}

/** While commands are pending only the orchestrator can say. */
function assertOfUse(view: InstanceView, command: Control): void {
  assertRunning(view);
  if (view.pending.length > 0) return;
  const { state } = view;
  if (command.type === 'pause' && state.paused !== null) throw new ApiProblem(409, 'MR_ALREADY_PAUSED', 'The instance is paused already.');
  if (command.type === 'resume' && state.paused === null) throw new ApiProblem(409, 'MR_NOT_PAUSED', 'The instance is not paused.');
  if (command.type !== 'retry') return;
  if (state.paused !== null) throw new ApiProblem(409, 'MR_PAUSED', 'The instance is paused: resume it first.');
  if (command.path !== null && !Object.hasOwn(state.tasks, command.path)) throw notFound('The instance has no such task.');
  const under = command.path === null ? Object.keys(state.incidents).length > 0 : Object.hasOwn(state.incidents, command.path);
  if (!under) throw new ApiProblem(409, 'MR_NO_INCIDENT', `The ${command.path === null ? 'instance' : 'task'} is under no incident.`);
}

/** What the caller could see when asking; null when commands are pending that may lead to an incident. */
function raisedBy({ state }: InstanceView, path: TaskPath | null): RaisedBy | null {
  const seen = path === null ? Object.keys(state.incidents) : [path];
  const named = seen.flatMap((at) =>
    at === '' || Object.hasOwn(state.tasks, at) ? [[at, attemptUnderIncident(state, at) ?? 0] as const] : [],
  );
  return named.length === 0 ? null : Object.fromEntries(named);
}

function pathOf(taskId: string | undefined, instanceId: InstanceId): TaskPath | null {
  if (taskId === undefined) return null;
  const parsed = parseTaskId(taskId);
  if (parsed === undefined || parsed.instanceId !== instanceId) throw notFound('The instance has no such task.');
  return parsed.path;
}
