/** Gives a command an id, and makes the message for the instance's orchestrator. */

import { uuidv7 } from 'uuidv7';
import { type CommandId, type EpochMs, type InstanceId, parseCommandId } from '../../core/ids.ts';
import type { CommandIssued } from '../../core/instance/decide/notification.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';

export type CommandMessage = { readonly commandId: CommandId; readonly message: OutboxMessage };

/** @param by subject of an API key, or the part of the engine that gives the command. */
export function commandMessage(
  outgoing: Pick<OutgoingMessages, 'ofCommand'>,
  instanceId: InstanceId,
  command: CommandIssued['command'],
  by: string,
  at: EpochMs,
): CommandMessage {
  const commandId = parseCommandId(uuidv7());
  if (commandId === undefined) throw new Error('Bug: a UUID that is none');
  return { commandId, message: outgoing.ofCommand(instanceId, { type: 'CommandIssued', commandId, by, command }, at) };
}
