/** The events of compensation: entries of work to be undone are added, awaited, and removed when their compensation has exited. */
import { assertNever, invariant } from '../../assert.ts';
import { compensationPathOf, entriesIn, scopePathOf } from '../state/scopes.ts';
import type { AwaitedChild, AwaitedWork, DoneWork, TaskState, Undo, UndoEntry } from '../state/state.ts';
import type { StateBuilder } from '../state/state-builder.ts';
import type { InstanceEvent, TaskCancelled, TaskCompleted, TaskRedispatched } from './events.ts';

type UndoEvent = InstanceEvent & {
  readonly type: 'CompensationPlanned' | 'CompensationStarted' | 'AwaitedTaskEnded' | 'InstanceEnding' | 'InstanceUndoing';
};

export function applyUndo(builder: StateBuilder, event: UndoEvent, seq: number): void {
  switch (event.type) {
    case 'CompensationPlanned': {
      const { path, nodeId, attempt, basis, names } = event;
      builder.changeUndo(scopePathOf(path), (entries) => [
        ...entries,
        { path, nodeId, attempt, basis, names, namesSeq: seq, status: 'planned' },
      ]);
      return;
    }
    case 'AwaitedTaskEnded':
      builder.changeUndo(scopePathOf(event.path), (entries) =>
        entries.flatMap((entry): readonly UndoEntry[] => {
          if (entry.status !== 'awaited' && entry.status !== 'awaitedChild') return [entry];
          if (entry.path !== event.path || entry.attempt !== event.attempt) return [entry];
          return event.status === 'completed' && entry.names !== null ? [lateDone(entry, event.output, seq)] : [];
        }),
      );
      return;
    case 'CompensationStarted': {
      const isMeant = (entry: UndoEntry) => entry.status === 'done' && entry.seq === event.entry;
      const taken: DoneWork[] = [];
      builder.changeUndo(scopePathOf(event.path), (entries) => {
        for (const entry of entries) if (entry.status === 'done' && isMeant(entry)) taken.push(entry);
        return entries.filter((entry) => !isMeant(entry));
      });
      const [current] = taken;
      invariant(current !== undefined, 'what is undone was done');
      builder.set({ undo: { ...undoOf(builder), current } });
      return;
    }
    case 'InstanceEnding':
      builder.clearRoot();
      // The parent's pause is lifted, or a child would never undo what it did.
      if ('pausedByParent' in builder.current) builder.set({ pausedByParent: null });
      builder.set({ phase: 'ending', undo: { ...undoOf(builder), goal: event.goal } });
      if (event.goal.status === 'cancelled') builder.remember(event.goal.commandId);
      return;
    case 'InstanceUndoing':
      builder.set({ phase: 'undoing' });
      return;
    default:
      assertNever(event);
  }
}

/** A planned entry becomes the entry of the completed task. */
export function keepCompleted(builder: StateBuilder, event: TaskCompleted, before: TaskState | undefined, seq: number): void {
  const { path, attempt, output } = event;
  changePlanned(builder, path, attempt, ({ status: _, ...entry }) => {
    return { ...entry, status: 'done', seq, ...givenTo(before), output, outputSeq: event.outputFrom ?? seq };
  });
}

function givenTo(task: TaskState | undefined): Pick<DoneWork, 'input' | 'inputSeq'> {
  if (task?.type === 'workflow' && 'input' in task) return { input: task.input, inputSeq: task.inputSeq };
  const payload = task !== undefined && 'payload' in task ? task.payload : null;
  return { input: payload?.input ?? null, inputSeq: payload?.inputSeq ?? null };
}

/** The outcome of the task is awaited, with or without a planned compensation. */
export function keepAwaited(builder: StateBuilder, { path, nodeId }: TaskCancelled, before: TaskState | undefined, seq: number): void {
  if (before?.type === 'workflow' && before.status === 'open') {
    const { input, inputSeq, openedAt } = before;
    changePlanned(builder, path, before.attempt, ({ status: _, ...entry }) => ({
      ...entry,
      status: 'awaitedChild',
      input,
      inputSeq,
      openedAt,
    }));
    return;
  }
  invariant(before?.status === 'scheduled', 'only a task that is with a worker is awaited');
  const { attempt, basis, type, payload, openedAt, dispatchedAt } = before;
  const work = { status: 'awaited', type, payload, openedAt, dispatchedAt } as const;
  if (changePlanned(builder, path, attempt, ({ status: _, ...entry }) => ({ ...entry, ...work }))) return;
  builder.changeUndo(scopePathOf(path), (entries) => [...entries, { path, nodeId, attempt, basis, names: null, namesSeq: seq, ...work }]);
}

/** An awaited task is sent again. */
export function sendAwaited(builder: StateBuilder, { path, attempt, at }: TaskRedispatched): void {
  builder.changeUndo(scopePathOf(path), (entries) =>
    entries.map((entry) =>
      entry.status === 'awaited' && entry.path === path && entry.attempt === attempt ? { ...entry, dispatchedAt: at } : entry,
    ),
  );
}

/** The current compensation has exited. */
export function forgetUndone(builder: StateBuilder, path: TaskState['path']): void {
  const { undo } = builder.current;
  if (undo?.current && compensationPathOf(undo.current.path) === path) builder.set({ undo: { ...undo, current: null } });
}

function changePlanned(
  builder: StateBuilder,
  path: TaskState['path'],
  attempt: number,
  change: (entry: UndoEntry & { readonly status: 'planned' }) => UndoEntry,
): boolean {
  const { current } = builder;
  const scope = current.undo === undefined ? undefined : current.scopes[scopePathOf(path)];
  const isPlanned = (entry: UndoEntry) => entry.status === 'planned' && entry.path === path && entry.attempt === attempt;
  if (!entriesIn(scope).some(isPlanned)) return false;
  builder.changeUndo(scopePathOf(path), (entries) =>
    entries.map((entry) => (entry.status === 'planned' && isPlanned(entry) ? change(entry) : entry)),
  );
  return true;
}

function lateDone(awaited: AwaitedWork | AwaitedChild, output: DoneWork['output'], seq: number): DoneWork {
  const { path, nodeId, attempt, basis, names, namesSeq } = awaited;
  const { input, inputSeq } = awaited.status === 'awaited' ? awaited.payload : awaited;
  return { path, nodeId, attempt, basis, names, namesSeq, status: 'done', seq, input, inputSeq, output, outputSeq: seq };
}

function undoOf({ current: { undo } }: StateBuilder): Undo {
  return undo ?? { awaited: 0, done: 0, goal: null, current: null };
}
