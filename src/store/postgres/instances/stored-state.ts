/**
 * The `state` column: an instance's state without what stands once in other columns and rows (inputs, outputs).
 * A task's part is written again and again while other tasks move; task objects are replaced and never changed, so the
 * text of each is kept beside it.
 */
import { MillraceError } from '../../../core/error.ts';
import type { InstanceId, TaskPath } from '../../../core/ids.ts';
import type { InstanceState, StoredTaskPayload, TaskState } from '../../../core/instance/state.ts';
import type { Json } from '../../../core/json.ts';

type StoredWork = Omit<StoredTaskPayload, 'input'>;
type WithoutData<T> = T extends unknown ? Omit<T, 'output' | 'payload' | 'path'> & { readonly payload?: StoredWork | null } : never;
type StoredTask = WithoutData<TaskState>;
type StoredState = Omit<InstanceState, 'instanceId' | 'input' | 'output' | 'tasks'> & {
  readonly tasks: { readonly [path: string]: StoredTask };
};

/** What a task's row holds of it: `[input, output]`. */
export type TaskData = { readonly [path: string]: readonly [Json, Json] };

const texts = new WeakMap<TaskState, string>();

export function stateText(state: InstanceState): string {
  const { instanceId: _, input: __, output: ___, tasks, ...rest } = state;
  const members: string[] = [];
  for (const path in tasks) {
    const task = tasks[path as TaskPath];
    if (task !== undefined) members.push(`${JSON.stringify(path)}:${taskText(task)}`);
  }
  return `${JSON.stringify(rest).slice(0, -1)},"tasks":{${members.join(',')}}}`;
}

/** @throws MillraceError `MR_STATE_TOO_LARGE`, not retryable. */
export function boundedStateText(state: InstanceState, bytesMax: number): string {
  const text = stateText(state);
  // Three bytes a UTF-16 unit at most: hardly any has to be counted.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  throw new MillraceError('MR_STATE_TOO_LARGE', `The state of an instance would be larger than MILLRACE_LIMIT_STATE_BYTES, ${bytesMax}.`, {
    retryable: false,
  });
}

function taskText(task: TaskState): string {
  const known = texts.get(task);
  if (known !== undefined) return known;
  const { path: _, ...rest } = task;
  const text = JSON.stringify(withoutData(rest));
  texts.set(task, text);
  return text;
}

function withoutData(task: object): object {
  const kept: Record<string, unknown> = { ...task };
  delete kept.output;
  const { payload } = kept;
  if (typeof payload === 'object' && payload !== null) {
    const { input: _, ...rest } = payload as StoredTaskPayload;
    kept.payload = rest;
  }
  return kept;
}

/** @param data of every task whose row holds some. */
export function restoreState(instanceId: InstanceId, text: string, input: Json, output: Json, data: TaskData | null): InstanceState {
  const { tasks, ...rest } = JSON.parse(text) as StoredState;
  const restored: Record<TaskPath, TaskState> = {};
  for (const [path, task] of Object.entries(tasks)) {
    const [taskInput, taskOutput] = (data !== null && Object.hasOwn(data, path) ? data[path] : undefined) ?? [null, null];
    // What `stateText` took away comes back; the rest is as it was written.
    const whole: Record<string, unknown> = { path, ...task };
    if (task.status === 'completed') whole.output = taskOutput;
    if (task.payload !== undefined && task.payload !== null) whole.payload = { ...task.payload, input: taskInput };
    restored[path as TaskPath] = whole as TaskState;
  }
  return { instanceId, ...rest, tasks: restored, input, output };
}
