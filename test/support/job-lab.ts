/** What tests of bulk jobs share: the commands of a job as messages of the lab, commands of others, and ids of any time. */
import { uuidv7 } from 'uuidv7';
import type { EpochMs, InstanceId } from '../../src/core/ids.ts';
import type { CommandIssued } from '../../src/core/instance/decide/notification.ts';
import type { Json } from '../../src/core/json.ts';
import { createJobCommands } from '../../src/engine/job/job-commands.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import { message, PARTITIONS, topics } from './store-lab.ts';

export const jobCommandsOf = createJobCommands({
  ofCommand: (instanceId, { commandId, command }) =>
    message('CommandIssued', topics.notifications, instanceId, { commandId, command: command as unknown as Json }),
  partitionOf: (instanceId) => partitionOf(instanceId, PARTITIONS),
});

/** The least UUIDv7 of a millisecond. */
export function firstIdAt(at: EpochMs): InstanceId {
  const hex = at.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${uuidv7().slice(-12)}` as InstanceId;
}

/** A command that somebody gives beside a job. */
export function issued(command: CommandIssued['command']): CommandIssued {
  return { type: 'CommandIssued', commandId: uuidv7() as CommandIssued['commandId'], by: 'bob', command };
}
