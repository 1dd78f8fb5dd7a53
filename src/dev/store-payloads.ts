/** Inputs and outputs that are too large for a record, where workers and stores are in one process: no request is made. */
import { parseTaskId } from '../core/ids.ts';
import { err, ok } from '../core/result.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { TaskOutputs } from '../store/task-outputs.ts';
import { failedForNow } from '../task-consumer/attempt-result.ts';
import type { TaskPayloads } from '../task-consumer/references/task-payloads.ts';

export function createStorePayloads(
  queries: Pick<InstanceQueries, 'task'>,
  outputs: Pick<TaskOutputs, 'keepOutput'>,
  partitionOf: (instanceId: string) => number,
): TaskPayloads {
  return {
    async input({ taskId, attempt }) {
      const id = parseTaskId(taskId);
      const row = id === undefined ? null : await queries.task(id.instanceId, id.path);
      return row?.status === 'scheduled' && row.attempt === attempt ? ok(JSON.stringify(row.input)) : err(notOpen);
    },
    async keep({ taskId, attempt, basis }, output, { sha256 }) {
      const id = parseTaskId(taskId);
      if (id === undefined) return err(notOpen);
      const kept = await outputs.keepOutput(partitionOf(id.instanceId), { ...id, attempt, basis, sha256 }, output);
      return kept === 'kept' ? ok(null) : err(notOpen);
    },
  };
}

const notOpen = failedForNow('ATTEMPT_NOT_OPEN', 'The attempt is not open any more.');
