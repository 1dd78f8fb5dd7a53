/**
 * Writes a command to a running instance into the database, together with its message; the orchestrator of the instance applies
 * it. Callers refuse beforehand, by `refusalOf` (core), what cannot have an effect.
 */
import type { CommandId, EpochMs, InstanceId } from '../../core/ids.ts';
import type { CommandIssued } from '../../core/instance/decide/notification.ts';
import type { Json } from '../../core/json.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore, NewCommand } from '../../store/instance-store.ts';
import { type CommandMessage, commandMessage } from './command-message.ts';

export type CommandDependencies = {
  readonly store: Pick<InstanceStore, 'issueCommand'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofCommand' | 'partitionOf'>;
  /** The instance database's clock. */
  readonly now: () => EpochMs;
};

/** Redispatches come from the engine itself and have no row, since nobody asks for their result. */
export type IssuedCommand = Exclude<CommandIssued['command'], { readonly type: 'redispatch' }>;

/** @returns null when somebody has completed or failed the task already, or it is no longer open. */
export async function issueCommand(
  { store, outgoing, now }: CommandDependencies,
  instanceId: InstanceId,
  command: IssuedCommand,
  by: string,
): Promise<CommandId | null> {
  const message = commandMessage(outgoing, instanceId, command, by, now());
  const isAccepted = await store.issueCommand(newCommand(outgoing, message, instanceId, command, by));
  return isAccepted ? message.commandId : null;
}

/** The row of a command, with the message that carries it. */
export function newCommand(
  outgoing: Pick<OutgoingMessages, 'partitionOf'>,
  { commandId, message }: CommandMessage,
  instanceId: InstanceId,
  command: IssuedCommand,
  by: string,
): NewCommand {
  return { commandId, instanceId, partition: outgoing.partitionOf(instanceId), by, message, ...rowOf(command) };
}

/** What the row of a command shows of it. */
function rowOf(command: IssuedCommand): Pick<NewCommand, 'type' | 'path' | 'attempt' | 'payload'> {
  const { type } = command;
  switch (type) {
    case 'completeTask':
    case 'voteTask': {
      const { path, attempt, output, outcome = null, comment = null } = command;
      return { type, path, attempt, payload: { output, outcome, comment } };
    }
    case 'delegateTask':
      return { type, path: command.path, attempt: command.attempt, payload: { to: command.to, comment: command.comment } };
    case 'commentTask':
      return { type, path: command.path, attempt: command.attempt, payload: { text: command.text } };
    case 'failTask': {
      const { code, message } = command.error;
      return { type, path: command.path, attempt: command.attempt, payload: { error: { code, message } } };
    }
    case 'cancel':
      return { type, path: null, attempt: null, payload: { reason: command.reason } };
    case 'retry':
      return { type, path: command.path, attempt: null, payload: { raisedBy: (command.raisedBy ?? null) as Json } };
    case 'setVars':
      return { type, path: null, attempt: null, payload: { vars: command.vars, reason: command.reason } };
    case 'completeNode':
      return { type, path: command.path, attempt: null, payload: { output: command.output, reason: command.reason } };
    case 'skipNode':
    case 'rerunNode':
      return { type, path: command.path, attempt: null, payload: { reason: command.reason } };
    case 'migrate':
      return { type, path: null, attempt: null, payload: { version: command.version, reason: command.reason } };
    case 'pause':
    case 'resume':
      return { type, path: null, attempt: null, payload: null };
  }
}
