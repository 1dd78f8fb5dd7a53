/**
 * Commands to a running instance: accepted into the database together with their message, applied by the orchestrator.
 * Answers 202 at once, or with `?wait=` what became of it: 200, or the refusal's 409.
 */
import type { FastifyRequest } from 'fastify';
import { uuidv7 } from 'uuidv7';
import type { CommandAnswer } from '../contract/instances.ts';
import { type CommandId, type InstanceId, parseCommandId } from '../core/ids.ts';
import type { CommandIssued } from '../core/instance/notification.ts';
import type { Json } from '../core/json.ts';
import type { RouteContext } from './context.ts';
import { toText } from './instance-view.ts';
import { ApiProblem } from './problem.ts';
import { waitFor, waitMsOf } from './wait.ts';

export type IssueOptions = {
  readonly instanceId: InstanceId;
  readonly command: CommandIssued['command'];
  readonly by: string;
  readonly wait: string | undefined;
  readonly request: FastifyRequest;
};

export type Issued = { readonly status: 200 | 202; readonly body: CommandAnswer };

export async function issueCommand(context: RouteContext, { instanceId, command, by, wait, request }: IssueOptions): Promise<Issued> {
  const { ports, limits } = context;
  const waitMs = waitMsOf(wait, limits.waitMaxMs);
  const commandId = newCommandId();
  const message = ports.outgoing.ofCommand(instanceId, { type: 'CommandIssued', commandId, by, command }, ports.now());
  const accepted = await ports.instances.issueCommand({
    commandId,
    instanceId,
    partition: ports.outgoing.partitionOf(instanceId),
    type: command.type,
    path: 'path' in command ? command.path : null,
    attempt: 'attempt' in command ? command.attempt : null,
    payload: payloadOf(command),
    by,
    message,
  });
  if (!accepted) throw new ApiProblem(409, 'MR_TASK_DECIDED', 'Somebody has completed or failed the task already.');
  const pending: CommandAnswer = { commandId, instanceId, type: command.type, status: 'pending', at: null };
  if (waitMs === 0) return { status: 202, body: pending };
  const result = await waitFor(context, {
    instanceId,
    ms: waitMs,
    request,
    // The lifecycle topic tells of few commands.
    eager: true,
    async look() {
      const found = await ports.instances.commandResult(commandId);
      return found === null || found.status === 'pending' ? undefined : found;
    },
  });
  if (result === undefined) return { status: 202, body: pending };
  if (result.status === 'refused') throw new ApiProblem(409, result.code, result.reason);
  return { status: 200, body: { ...pending, status: 'applied', at: toText(result.at) } };
}

function newCommandId(): CommandId {
  const id = parseCommandId(uuidv7());
  if (id === undefined) throw new Error('Bug: a UUID that is none');
  return id;
}

function payloadOf(command: CommandIssued['command']): Json {
  switch (command.type) {
    case 'completeTask':
      return { output: command.output };
    case 'failTask':
      return { error: command.error };
    case 'cancel':
      return { reason: command.reason };
    case 'retry':
      return { raisedBy: command.raisedBy ?? null };
    case 'pause':
    case 'resume':
    case 'redispatch':
      return null;
  }
}
