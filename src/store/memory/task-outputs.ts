/** Outputs of tasks that are too large for a record, until their outcomes are applied. */
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import { type GivenOutput, outputKeyText, outputsOfAttemptMax, type TaskOutputKey } from '../task-outputs.ts';
import type { MemoryTables } from './tables.ts';

export function keepOutput(tables: MemoryTables, key: TaskOutputKey, output: string): GivenOutput {
  const { instanceId, path, attempt } = key;
  if (tables.instances.get(instanceId)?.tasks.has(path) !== true) return 'unknown';
  if (!isWithWorker(tables, key)) return 'notOpen';
  const id = outputKeyText(key);
  const others = [...tables.outputs].filter(([other, { key }]) => other !== id && isOf(key, instanceId, path, attempt));
  if (others.length >= outputsOfAttemptMax) return 'full';
  if (!tables.outputs.has(id)) tables.outputs.set(id, { key, output });
  return 'kept';
}

function isOf(key: TaskOutputKey, instanceId: InstanceId, path: TaskPath, attempt: number): boolean {
  return key.instanceId === instanceId && key.path === path && key.attempt === attempt;
}

/** Whether the attempt is still open. */
export function isWithWorker({ instances }: Pick<MemoryTables, 'instances'>, { instanceId, path, attempt }: TaskOutputKey): boolean {
  const task = instances.get(instanceId)?.tasks.get(path);
  return task?.status === 'scheduled' && task.attempt === attempt;
}

export function keptOutputs({ outputs }: MemoryTables, keys: readonly TaskOutputKey[]): ReadonlyMap<string, string> {
  return new Map(
    keys.map(outputKeyText).flatMap((id) => {
      const kept = outputs.get(id);
      return kept === undefined ? [] : [[id, kept.output] as const];
    }),
  );
}

export function removeOutputs({ outputs }: MemoryTables, keys: readonly TaskOutputKey[]): void {
  for (const key of keys) outputs.delete(outputKeyText(key));
}
