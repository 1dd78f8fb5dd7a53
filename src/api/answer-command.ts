/**
 * The HTTP answer to a command: 202 at once, or with `?wait=` its result, which is 200 or the 409 of a refusal. How a
 * command is issued is in `engine/command`.
 */
import type { FastifyRequest } from 'fastify';
import type { CommandAnswer } from '../contract/instances.ts';
import { isErrorCode } from '../core/error-codes.ts';
import type { InstanceId } from '../core/ids.ts';
import { type IssuedCommand, issueCommand } from '../engine/command/issue-command.ts';
import type { RouteContext } from './context.ts';
import { toText } from './instance-view.ts';
import { ApiProblem } from './problem.ts';
import { waitFor, waitMsOf } from './wait.ts';

export type CommandRequest = {
  readonly instanceId: InstanceId;
  readonly command: IssuedCommand;
  readonly by: string;
  readonly wait: string | undefined;
  readonly request: FastifyRequest;
};

export type CommandResponse = { readonly status: 200 | 202; readonly body: CommandAnswer };

export async function answerCommand(
  context: RouteContext,
  { instanceId, command, by, wait, request }: CommandRequest,
): Promise<CommandResponse> {
  const { ports, limits } = context;
  const waitMs = waitMsOf(wait, limits.waitMaxMs);
  const commandId = await issueCommand({ store: ports.instances, outgoing: ports.outgoing, now: ports.now }, instanceId, command, by);
  if (commandId === null) throw notTaken(command);
  const pending: CommandAnswer = { commandId, instanceId, type: command.type, status: 'pending', at: null };
  if (waitMs === 0) return { status: 202, body: pending };
  const result = await waitFor(context, {
    instanceId,
    ms: waitMs,
    request,
    // Few commands are announced by the lifecycle topic.
    eager: true,
    async look() {
      const found = await ports.instances.commandResult(commandId);
      return found === null || found.status === 'pending' ? undefined : found;
    },
  });
  if (result === undefined) return { status: 202, body: pending };
  if (result.status === 'refused') throw refusedCommand(result.code, result.reason);
  return { status: 200, body: { ...pending, status: 'applied', at: toText(result.at) } };
}

/** The database has taken a command that excludes this one, or the task has ended. */
function notTaken({ type }: IssuedCommand): ApiProblem {
  if (type === 'voteTask') return new ApiProblem('MR_TASK_VOTED', 'You have voted on the task already, or it is no longer open.');
  if (type === 'delegateTask' || type === 'commentTask') return new ApiProblem('MR_TASK_NOT_OPEN', 'The task is no longer open.');
  return new ApiProblem('MR_TASK_DECIDED', 'Somebody has completed or failed the task already.');
}

/** A refusal is always 409: the state of the instance does not allow the command. */
function refusedCommand(code: string, reason: string): ApiProblem {
  return new ApiProblem(isErrorCode(code) ? code : 'MR_STEP_FAILED', reason, { status: 409 });
}
