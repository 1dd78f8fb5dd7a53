/**
 * The state of an instance as it is stored: without its payloads, for which it names the history entries that have them.
 * A task's part is written again and again while other tasks move; task objects are replaced and never changed, so the
 * text of each is kept beside it.
 */
import { MillraceError } from '../../core/error.ts';
import type { InstanceId, ScopePath, TaskPath } from '../../core/ids.ts';
import type {
  EndedScope,
  InstanceState,
  OpenScope,
  ReceivedEvent,
  ScopeState,
  StoredTaskPayload,
  TaskState,
} from '../../core/instance/state/state.ts';
import { type Payloads, payloadAt, seqsIn } from './payloads.ts';

/** The entry that starts an instance, and brings its input. */
const INPUT_SEQ = 1;

/** A task without its path, its output, its input, its items and the events that it took. */
type StoredTask = { readonly status: TaskState['status']; readonly [field: string]: unknown };
type StoredScope =
  | Omit<EndedScope, 'path' | 'output'>
  | (Omit<OpenScope, 'path' | 'tasks'> & { readonly tasks: { readonly [path: string]: StoredTask } });
export type StoredState = Omit<InstanceState, 'instanceId' | 'input' | 'output' | 'scopes'> & {
  readonly scopes: { readonly [path: string]: StoredScope };
};

const texts = new WeakMap<TaskState, string>();

export function stateText(state: InstanceState): string {
  const { instanceId: _, input: __, output: ___, scopes, ...rest } = state;
  const members = Object.entries(scopes).map(([path, scope]) => `${JSON.stringify(path)}:${scopeText(scope)}`);
  return `${JSON.stringify(rest).slice(0, -1)},"scopes":{${members.join(',')}}}`;
}

function scopeText(scope: ScopeState): string {
  if (scope.status !== 'open') {
    const { path: _, output: __, ...rest } = scope;
    return JSON.stringify(rest);
  }
  const { path: _, tasks, ...rest } = scope;
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
  delete kept.items;
  return kept;
}

/** The entries whose payloads the state needs. @param outputSeq the one that brought the instance's output. */
export function seqsOfState({ scopes }: StoredState, outputSeq: number | null): readonly number[] {
  const seqs = outputSeq === null ? [INPUT_SEQ] : [INPUT_SEQ, outputSeq];
  for (const scope of Object.values(scopes)) seqs.push(...seqsOfScope(scope));
  return seqs;
}

function seqsOfScope(scope: StoredScope): readonly number[] {
  if (scope.status !== 'open') return [scope.outputSeq];
  const seqs: number[] = [];
  for (const task of Object.values(scope.tasks)) {
    const { outputSeq: output, payload, received, itemsSeq } = partsOf(task);
    if (itemsSeq !== undefined) seqs.push(itemsSeq);
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
  readonly itemsSeq?: number;
};

function partsOf(task: StoredTask): PayloadParts {
  return task as PayloadParts;
}

/** Puts the payloads back. */
export function restoreState(
  instanceId: InstanceId,
  { scopes, ...rest }: StoredState,
  outputSeq: number | null,
  payloads: Payloads,
): InstanceState {
  const restored: Record<ScopePath, ScopeState> = {};
  for (const [path, scope] of Object.entries(scopes)) restored[path as ScopePath] = restoreScope(path as ScopePath, scope, payloads);
  return {
    ...{ instanceId, ...rest, scopes: restored },
    ...{ input: payloadAt(payloads, INPUT_SEQ), output: payloadAt(payloads, outputSeq) },
  };
}

function restoreScope(path: ScopePath, scope: StoredScope, payloads: Payloads): ScopeState {
  if (scope.status !== 'open') return { path, ...scope, output: payloadAt(payloads, scope.outputSeq) };
  return { path, ...scope, tasks: restoreTasks(scope.tasks, payloads) };
}

function restoreTasks(tasks: { readonly [path: string]: StoredTask }, payloads: Payloads): OpenScope['tasks'] {
  const restored: Record<TaskPath, TaskState> = {};
  for (const [path, task] of Object.entries(tasks)) {
    const { outputSeq: output, payload, received, itemsSeq } = partsOf(task);
    const whole: Record<string, unknown> = { path, ...task };
    if (output !== undefined) whole.output = payloadAt(payloads, output);
    if (payload !== undefined && payload !== null) whole.payload = { ...payload, input: payloadAt(payloads, payload.inputSeq) };
    if (itemsSeq !== undefined) whole.items = payloadAt(payloads, itemsSeq);
    if (received !== undefined) whole.received = received.map((seq): ReceivedEvent => ({ seq, event: payloadAt(payloads, seq) }));
    // What `stateText` took away is back; the rest is as it was written.
    restored[path as TaskPath] = whole as TaskState;
  }
  return restored;
}
