/** Runs a handler once, as a worker does. */
import type { Json } from '../../core/json.ts';
import type { TaskDefinition } from '../../worker/index.ts';
import type { AttemptResult } from '../attempt-result.ts';
import { createHandlerExecutor } from '../executors/handlers.ts';
import type { ScheduledTask } from '../task.ts';
import { silent, untimed } from './fixture.ts';

/** @param name that the task asks for; default: that of the handler. */
export async function runHandler(definition: TaskDefinition, input: Json = null, name = definition.name): Promise<AttemptResult> {
  const task = {
    taskId: 'i.n',
    instanceId: 'i',
    attempt: 2,
    basis: 'abc',
    work: { type: 'task', name },
    input,
    timeoutMs: 1_000,
    dispatchedAt: 0,
  };
  return await createHandlerExecutor([definition]).run(task as unknown as ScheduledTask, {
    signal: new AbortController().signal,
    log: silent,
    untimed,
  });
}
