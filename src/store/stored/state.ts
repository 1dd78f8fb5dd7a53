/**
 * The state of an instance as it is stored: without its payloads, for which it names the history entries that have them.
 * A task's part is written again and again while other tasks move; task objects are replaced and never changed, so the
 * text of each is kept beside it.
 */
import { MillraceError } from '../../core/error.ts';
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import type { InstanceState, ReceivedEvent, StoredTaskPayload, TaskState } from '../../core/instance/state.ts';
import { type Payloads, payloadAt, seqsIn } from './payloads.ts';

/** The entry that starts an instance, and brings its input. */
const INPUT_SEQ = 1;

/** A task without its path, its output, its input and the events that it took. */
type StoredTask = { readonly status: TaskState['status']; readonly [field: string]: unknown };
export type StoredState = Omit<InstanceState, 'instanceId' | 'input' | 'output' | 'tasks'> & {
  readonly tasks: { readonly [path: string]: StoredTask };
};

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
  const text = JSON.stringify(withoutPayloads(task));
  texts.set(task, text);
  return text;
}

function withoutPayloads({ path: _, ...task }: TaskState): object {
  const kept: Record<string, unknown> = { ...task };
  if (task.status === 'completed') delete kept.output;
  if ('payload' in task && task.payload !== null) {
    const { input: __, ...rest } = task.payload;
    kept.payload = rest;
  }
  if ('received' in task) kept.received = task.received.map(({ seq }) => seq);
  return kept;
}

/** The entries whose payloads the state needs. @param outputSeq the one that brought the instance's output. */
export function seqsOfState({ tasks }: StoredState, outputSeq: number | null): readonly number[] {
  const seqs = outputSeq === null ? [INPUT_SEQ] : [INPUT_SEQ, outputSeq];
  for (const task of Object.values(tasks)) {
    const { outputSeq: output, payload, received } = partsOf(task);
    if (output !== undefined) seqs.push(...seqsIn(output));
    if (payload !== undefined && payload !== null) seqs.push(payload.inputSeq);
    if (received !== undefined) seqs.push(...received);
  }
  return seqs;
}

/** What `withoutPayloads` has left of a task in the place of its payloads. */
type PayloadParts = {
  readonly outputSeq?: (TaskState & { readonly status: 'completed' })['outputSeq'];
  readonly payload?: Omit<StoredTaskPayload, 'input'> | null;
  readonly received?: readonly number[];
};

function partsOf(task: StoredTask): PayloadParts {
  return task as PayloadParts;
}

/** Puts the payloads back. */
export function restoreState(
  instanceId: InstanceId,
  { tasks, ...rest }: StoredState,
  outputSeq: number | null,
  payloads: Payloads,
): InstanceState {
  const restored: Record<TaskPath, TaskState> = {};
  for (const [path, task] of Object.entries(tasks)) {
    const { outputSeq: output, payload, received } = partsOf(task);
    const whole: Record<string, unknown> = { path, ...task };
    if (output !== undefined) whole.output = payloadAt(payloads, output);
    if (payload !== undefined && payload !== null) whole.payload = { ...payload, input: payloadAt(payloads, payload.inputSeq) };
    if (received !== undefined) whole.received = received.map((seq): ReceivedEvent => ({ seq, event: payloadAt(payloads, seq) }));
    // What `stateText` took away is back; the rest is as it was written.
    restored[path as TaskPath] = whole as TaskState;
  }
  return {
    ...{ instanceId, ...rest, tasks: restored },
    ...{ input: payloadAt(payloads, INPUT_SEQ), output: payloadAt(payloads, outputSeq) },
  };
}
