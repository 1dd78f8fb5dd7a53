/** The commands of a page of a bulk job, with ids that follow from job and instance, so that each instance gets one. */
import { assertNever, invariant } from '../../core/assert.ts';
import { commandIdOfJob } from '../../core/instance/children/child-id.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { CommandsOf, Job } from '../../store/jobs.ts';
import { type IssuedCommand, newCommand } from '../command/issue-command.ts';

export function createJobCommands(outgoing: Pick<OutgoingMessages, 'ofCommand' | 'partitionOf'>): CommandsOf {
  return (job, instanceIds, now) => {
    const command = commandOfJob(job);
    return instanceIds.map((instanceId) => {
      const commandId = commandIdOfJob(job.jobId, instanceId);
      const message = outgoing.ofCommand(instanceId, { type: 'CommandIssued', commandId, by: job.by, command }, now);
      return newCommand(outgoing, { commandId, message }, instanceId, command, job.by);
    });
  };
}

/** What each instance of the job is told. */
export function commandOfJob({ operation, toVersion, reason }: Pick<Job, 'operation' | 'toVersion' | 'reason'>): IssuedCommand {
  switch (operation) {
    case 'cancel':
      return { type: 'cancel', reason };
    case 'pause':
    case 'resume':
      return { type: operation };
    case 'retry':
      // All incidents that there are when it is applied: nobody has looked at each.
      return { type: 'retry', path: null };
    case 'migrate':
      invariant(toVersion !== null, 'a job that migrates has a version');
      return { type: 'migrate', version: toVersion, reason };
    default:
      return assertNever(operation);
  }
}
