/** Control of an instance: cancel, pause, resume, retry, and what a person corrects in it. A command that cannot have an effect is refused at once. */
import { type TSchema, Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import {
  CancelBody,
  CommandAnswer,
  CompleteNodeBody,
  EmptyBody,
  RerunNodeBody,
  RetryBody,
  SetVarsBody,
  SkipNodeBody,
} from '../../contract/instances.ts';
import { type InstanceId, parseTaskId, type TaskPath } from '../../core/ids.ts';
import { namedIncidents, refusalOf } from '../../core/instance/decide/command-preconditions.ts';
import { attemptAt } from '../../core/instance/decide/corrections.ts';
import type { CommandIssued } from '../../core/instance/decide/notification.ts';
import type { InstanceView } from '../../store/instance-queries.ts';
import { answerCommand } from '../answer-command.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { isEnded } from '../instance-view.ts';
import { assertFitsMessage } from '../message-size.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { findInstance, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

type Control = CommandIssued['command'] & {
  readonly type: 'cancel' | 'pause' | 'resume' | 'retry' | 'setVars' | 'completeNode' | 'skipNode' | 'rerunNode';
};

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
  add(app, context, 'setVars', 'Change variables of an instance that is paused or under an incident', SetVarsBody, (body) => {
    const { vars, reason = null } = body as SetVarsBody;
    assertFitsMessage('vars', vars, context.limits);
    return { type: 'setVars', vars, reason };
  });
  add(app, context, 'completeNode', 'Complete a node that is open or under an incident, with this output', CompleteNodeBody, (body, id) => {
    const { taskId, output, reason = null } = body as CompleteNodeBody;
    assertFitsMessage('output', output, context.limits);
    return { type: 'completeNode', path: taskPathOf(taskId, id), attempt: 0, output, reason };
  });
  add(app, context, 'skipNode', 'Skip a node that is open or under an incident, as if no edge had led to it', SkipNodeBody, (body, id) => {
    const { taskId, reason = null } = body as SkipNodeBody;
    return { type: 'skipNode', path: taskPathOf(taskId, id), attempt: 0, reason };
  });
  add(app, context, 'rerunNode', 'Run a node that has ended again, and what lies behind it', RerunNodeBody, (body, id) => {
    const { taskId, reason = null } = body as RerunNodeBody;
    return { type: 'rerunNode', path: taskPathOf(taskId, id), attempt: 0, reason };
  });
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
    response: responses({ 200: CommandAnswer, 202: CommandAnswer }, 404, 409, 413),
  };
  app.post(`/instances/:id/${routeOf(name)}`, { schema, config: { permission: 'control' } }, async (request, reply) => {
    const instanceId = instanceIdOf(request.params.id);
    const asked = commandOf(request.body, instanceId);
    const view = await findInstance(context, instanceId);
    const command = asSeen(view, asked);
    const { subject } = keyOf(request);
    assertOfUse(view, command, subject);
    const { status, body } = await answerCommand(context, { instanceId, command, by: subject, wait: request.query.wait, request });
    return reply.code(status).send(body);
  });
}

/** The route of `completeNode` is `complete-node`. */
function routeOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Adds the attempts that the sender can see, so that a late command does not change later ones. */
function asSeen({ state }: InstanceView, command: Control): Control {
  if (command.type === 'retry') return { ...command, raisedBy: namedIncidents(state, command.path) };
  return 'attempt' in command ? { ...command, attempt: attemptAt(state, command.path) } : command;
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
  return taskId === undefined ? null : taskPathOf(taskId, instanceId);
}

function taskPathOf(taskId: string, instanceId: InstanceId): TaskPath {
  const parsed = parseTaskId(taskId);
  if (parsed === undefined || parsed.instanceId !== instanceId) throw notFound('The instance has no such task.');
  return parsed.path;
}
