/**
 * The state of an instance as it is stored: without its payloads, for which it names the history entries that have them, and in
 * one part for the instance with its own scope and one for each scope of an item or a round. A state is written at each step,
 * though most of its tasks are unchanged. So it is written short (`short-form.ts`, `short-task.ts`), and since task objects are immutable, the JSON
 * of each is cached.
 */
import { MillraceError } from '../../core/error.ts';
import type { EpochMs, InstanceId, ScopePath, TaskPath } from '../../core/ids.ts';
import { openScopeAt, rootPath } from '../../core/instance/state/scopes.ts';
import type {
  EndedScope,
  InstanceState,
  OpenScope,
  PartialScopes,
  ReceivedEvent,
  StatePart,
  StoredTaskPayload,
  TaskState,
  Vote,
} from '../../core/instance/state/state.ts';
import { type Payloads, payloadAt, seqsIn } from './payloads.ts';
import { ABSOLUTE, type StoredScope, type StoredScopeRow, type StoredState, shortOwnScope, shortScope, shortState } from './short-form.ts';
import { type StoredTask, shortTask } from './short-task.ts';
import { restoreEntry, restoreUndo, seqsOfEntry, storedEntry, storedUndo } from './undo-entries.ts';

/** The entry that starts an instance, and brings its input. */
export const INPUT_SEQ = 1;

const texts = new WeakMap<TaskState, string>();
const scopeTexts = new WeakMap<StatePart, string>();

export function stateText(state: InstanceState): string {
  const { instanceId: _, input: __, output: ___, scopes, partial: ____, undo, ...others } = state;
  const rest = undo === undefined ? others : { ...others, undo: storedUndo(undo) };
  const own = openScopeAt(state, rootPath);
  return `${JSON.stringify(shortState(rest)).slice(0, -1)},"own":${openText(own, (members) => shortOwnScope(members, state), state.startedAt)}}`;
}

export function scopeText(scope: StatePart): string {
  const known = scopeTexts.get(scope);
  if (known !== undefined) return known;
  const text = textOf(scope);
  scopeTexts.set(scope, text);
  return text;
}

function textOf(scope: StatePart): string {
  if (scope.status === 'child') {
    const { path: _, input: __, ...rest } = scope;
    return JSON.stringify(rest);
  }
  if (scope.status !== 'open') {
    const { path: _, undo, ...rest } = scope;
    const bare = 'output' in rest ? withoutOutput(rest) : rest;
    return JSON.stringify(undo === undefined ? bare : { ...bare, undo: undo.map(storedEntry) });
  }
  return openText(scope, shortScope, ABSOLUTE);
}

/** @param zero as in `shortTask`. */
function openText(scope: OpenScope, shorten: (members: Partial<OpenScope>) => object, zero: EpochMs): string {
  const { path: _, tasks, undo, ...others } = scope;
  const short = shorten(others);
  const rest = JSON.stringify(undo === undefined ? short : { ...short, undo: undo.map(storedEntry) }).slice(1, -1);
  const members: string[] = [];
  for (const path in tasks) {
    const task = tasks[path as TaskPath];
    if (task !== undefined) members.push(taskMember(task, zero));
  }
  return `{${rest}${rest === '' ? '' : ','}"tasks":{${members.join(',')}}}`;
}

function withoutOutput({ output: _, ...rest }: Omit<EndedScope, 'path' | 'undo'>): object {
  return rest;
}

/**
 * @param scopes that are written with it. The limit holds for each part by itself.
 * @throws MillraceError `MR_STATE_TOO_LARGE`, not retryable.
 */
export function boundedStateText(state: InstanceState, scopes: readonly StatePart[], bytesMax: number): string {
  for (const scope of scopes) bounded(scopeText(scope), bytesMax);
  return bounded(stateText(state), bytesMax);
}

function bounded(text: string, bytesMax: number): string {
  // Three bytes a UTF-16 unit at most: hardly any has to be counted.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  throw new MillraceError('MR_STATE_TOO_LARGE', `The state of an instance would be larger than MILLRACE_LIMIT_STATE_BYTES, ${bytesMax}.`, {
    retryable: false,
  });
}

/** With its path. @param zero the same at each call: a task stays in its scope. */
function taskMember(task: TaskState, zero: EpochMs): string {
  const known = texts.get(task);
  if (known !== undefined) return known;
  const text = `${JSON.stringify(task.path)}:${JSON.stringify(shortTask(task, withoutPayloads(task), zero))}`;
  texts.set(task, text);
  return text;
}

/** Members are copied one by one: an object from which some were deleted is slow to copy and to write. */
function withoutPayloads(task: TaskState): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in task) if (!isPayload(task, name)) kept[name] = task[name as keyof TaskState];
  if ('payload' in task && task.payload !== null) {
    const { input: _, ...rest } = task.payload;
    kept.payload = rest;
  }
  if ('votes' in task) kept.votes = task.votes?.map(({ output: _, ...vote }) => vote);
  if ('received' in task) kept.received = task.received.map(({ seq }) => seq);
  return kept;
}

/** Or the path, under which the task stands. */
function isPayload(task: TaskState, name: string): boolean {
  switch (name) {
    case 'path':
    case 'items':
      return true;
    case 'output':
      return task.status === 'completed';
    case 'input':
      return 'inputSeq' in task;
    default:
      return false;
  }
}

/** The entries whose payloads the state needs. @param outputSeq the one that brought the instance's output. */
export function seqsOfState({ root, undo }: StoredState, outputSeq: number | null): readonly number[] {
  const seqs = outputSeq === null ? [INPUT_SEQ] : [INPUT_SEQ, outputSeq];
  return [...seqs, ...seqsOfScope(root), ...(undo?.current ? seqsOfEntry(undo.current) : [])];
}

export function seqsOfScope(scope: StoredScope): readonly number[] {
  if (scope.status === 'child') return [scope.inputSeq];
  const seqs: number[] = [];
  for (const entry of scope.undo ?? []) seqs.push(...seqsOfEntry(entry));
  if (scope.status !== 'open') return 'outputSeq' in scope ? [...seqs, scope.outputSeq] : seqs;
  for (const task of Object.values(scope.tasks)) {
    const { outputSeq: output, payload, received, votes, itemsSeq, inputSeq } = partsOf(task);
    if (votes !== undefined) seqs.push(...votes.map(({ seq }) => seq));
    if (inputSeq !== undefined) seqs.push(inputSeq);
    if (itemsSeq !== undefined) seqs.push(itemsSeq);
    if (output !== undefined) seqs.push(...seqsIn(output));
    if (payload !== undefined && payload !== null) seqs.push(payload.inputSeq);
    if (received !== undefined) seqs.push(...received);
  }
  return seqs;
}

/** The entries that have the items of its open loops. */
export function itemSeqsOf(scope: StoredScope): readonly number[] {
  if (scope.status !== 'open') return [];
  return Object.values(scope.tasks).flatMap((task) => partsOf(task).itemsSeq ?? []);
}

/** The parts that `withoutPayloads` puts in the place of the payloads. */
type PayloadParts = {
  readonly outputSeq?: (TaskState & { readonly status: 'completed' })['outputSeq'];
  readonly payload?: Omit<StoredTaskPayload, 'input'> | null;
  readonly received?: readonly number[];
  readonly votes?: readonly Omit<Vote, 'output'>[];
  readonly itemsSeq?: number;
  /** Of a workflow task. */
  readonly inputSeq?: number;
};

function partsOf(task: StoredTask): PayloadParts {
  return task as PayloadParts;
}

/**
 * Puts the payloads and the scopes back.
 * @param partial what is known of scopes that are not among `scopes`; undefined: there are no others.
 */
export function restoreState(
  instanceId: InstanceId,
  { root, undo, ...rest }: StoredState,
  outputSeq: number | null,
  payloads: Payloads,
  scopes: readonly StoredScopeRow[],
  partial?: PartialScopes,
): InstanceState {
  const restored: Record<ScopePath, StatePart> = { [rootPath]: restoreScope({ path: rootPath, scope: root }, payloads) };
  for (const row of scopes) restored[row.path] = restoreScope(row, payloads);
  return {
    ...{ instanceId, ...rest, scopes: restored },
    ...(partial === undefined ? {} : { partial }),
    ...(undo === undefined ? {} : { undo: restoreUndo(undo, payloads) }),
    ...{ input: payloadAt(payloads, INPUT_SEQ), output: payloadAt(payloads, outputSeq) },
  };
}

export function restoreScope({ path, scope }: StoredScopeRow, payloads: Payloads): StatePart {
  if (scope.status === 'child') return { path, ...scope, input: payloadAt(payloads, scope.inputSeq) };
  const { undo: entries, ...rest } = scope;
  const undo = entries === undefined ? {} : { undo: entries.map((entry) => restoreEntry(entry, payloads)) };
  if (rest.status === 'open') return { path, ...rest, ...undo, tasks: restoreTasks(rest.tasks, payloads) };
  return rest.status === 'kept' ? { path, ...rest, ...undo } : { path, ...rest, ...undo, output: payloadAt(payloads, rest.outputSeq) };
}

function restoreTasks(tasks: { readonly [path: string]: StoredTask }, payloads: Payloads): OpenScope['tasks'] {
  const restored: Record<TaskPath, TaskState> = {};
  for (const [path, task] of Object.entries(tasks)) {
    const { outputSeq: output, payload, received, votes, itemsSeq, inputSeq } = partsOf(task);
    const whole: Record<string, unknown> = { path, ...task };
    if (output !== undefined) whole.output = payloadAt(payloads, output);
    if (payload !== undefined && payload !== null) whole.payload = { ...payload, input: payloadAt(payloads, payload.inputSeq) };
    if (inputSeq !== undefined) whole.input = payloadAt(payloads, inputSeq);
    if (itemsSeq !== undefined) whole.items = payloadAt(payloads, itemsSeq);
    if (votes !== undefined) whole.votes = votes.map((vote): Vote => ({ ...vote, output: payloadAt(payloads, vote.seq) }));
    if (received !== undefined) whole.received = received.map((seq): ReceivedEvent => ({ seq, event: payloadAt(payloads, seq) }));
    // The payloads are back, and the rest is as it was written.
    restored[path as TaskPath] = whole as TaskState;
  }
  return restored;
}
