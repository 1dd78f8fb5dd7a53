/**
 * History as it is stored: without the inputs and outputs that stand in the rows of the instance and its tasks, and how
 * they are put back. A row shows the last image only: an entry that gives a task another input, or takes its output
 * away, carries what it displaced, so that the whole history can be read backwards from the rows.
 */
import type { TaskPath } from '../../../core/ids.ts';
import type { InstanceEvent } from '../../../core/instance/events.ts';
import type { InstanceState, TaskPayload, TaskState } from '../../../core/instance/state.ts';
import type { HistoryEntry } from '../../../core/instance/step.ts';
import { type Json, jsonEquals } from '../../../core/json.ts';
import { own } from '../../../core/record.ts';
import type { TaskData } from './stored-state.ts';

type Displaced = { readonly input?: Json; readonly output?: Json };
/** `event` lacks `payload.input`, `input` and `output`: they are in the rows, or displaced later on. */
export type StoredEntry = { readonly seq: number; readonly cause: string; readonly event: object; readonly displaced?: Displaced };

/** What a task's row holds after a batch. */
export type TaskImage = {
  /** null: no attempt of it was ever sent, or it has completed since. */
  work: TaskPayload | null;
  /** The batch gave it another input than its row holds. */
  hasNewInput: boolean;
  output: Json;
  hasOutput: boolean;
};

/** @param images is filled with every task that the batch touched: what its row holds afterwards. */
export function storeHistory(
  history: readonly HistoryEntry[],
  before: InstanceState | null,
  images: Map<TaskPath, TaskImage>,
): StoredEntry[] {
  return history.map(({ seq, cause, event }) => {
    if (event.type === 'InstanceStarted') return { seq, cause, event: without(event, 'input') };
    if (event.type === 'InstanceCompleted') return { seq, cause, event: without(event, 'output') };
    if (!('path' in event) || event.path === null) return { seq, cause, event };
    let image = images.get(event.path);
    if (image === undefined) {
      image = imageOf(before === null ? undefined : own(before.tasks, event.path));
      images.set(event.path, image);
    }
    const displaced = displace(image, event);
    const stored = { seq, cause, event: stripped(event) };
    return displaced === null ? stored : { ...stored, displaced };
  });
}

function imageOf(task: TaskState | undefined): TaskImage {
  const work = task !== undefined && 'payload' in task ? task.payload : null;
  const hasOutput = task?.status === 'completed';
  return { work, hasNewInput: false, output: hasOutput ? task.output : null, hasOutput };
}

/** Events that begin a task anew, or cancel it before its edges were weighed: its row loses the output of before. */
const openings: ReadonlySet<InstanceEvent['type']> = new Set([
  'TaskCancelled',
  'TaskScheduled',
  'HumanTaskOpened',
  'WaitStarted',
  'EventAwaited',
  'TaskCompleted',
]);

function displace(image: TaskImage, event: InstanceEvent): Displaced | null {
  let displaced: Displaced | null = null;
  if (image.hasOutput && openings.has(event.type)) {
    displaced = { output: image.output };
    image.hasOutput = false;
  }
  if (event.type === 'TaskScheduled') {
    const isSame = image.work !== null && jsonEquals(image.work.input, event.payload.input);
    if (image.work !== null && !isSame) displaced = { ...displaced, input: image.work.input };
    if (!isSame) image.hasNewInput = true;
    image.work = event.payload;
  }
  if (event.type === 'TaskCompleted') {
    image.output = event.output;
    image.hasOutput = true;
  }
  return displaced;
}

function stripped(event: InstanceEvent): object {
  if (event.type === 'TaskScheduled') return { ...event, payload: without(event.payload, 'input') };
  if (event.type === 'TaskCompleted') return without(event, 'output');
  return event;
}

function without<T extends object>(value: T, key: keyof T): Partial<T> {
  const kept: Partial<T> = { ...value };
  delete kept[key];
  return kept;
}

/**
 * Puts back what the rows hold.
 * @param entries an unbroken end of the history, oldest first: data that was displaced is found in later entries.
 */
export function restoreHistory(
  entries: readonly StoredEntry[],
  instance: { readonly input: Json; readonly output: Json },
  tasks: TaskData,
): HistoryEntry[] {
  const images = new Map<string, { input: Json; output: Json }>();
  const restored: HistoryEntry[] = [];
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (entry === undefined) continue;
    const { seq, cause, displaced } = entry;
    // Written by `storeHistory` from an InstanceEvent, of which the next lines give back what it lacks.
    const event = entry.event as InstanceEvent;
    restored.push({ seq, cause, event: restoreEvent(event) });
    if (displaced === undefined || !('path' in event) || event.path === null) continue;
    const image = imageAt(event.path);
    if (displaced.input !== undefined) image.input = displaced.input;
    if (displaced.output !== undefined) image.output = displaced.output;
  }
  return restored.reverse();

  function imageAt(path: string): { input: Json; output: Json } {
    let image = images.get(path);
    if (image === undefined) {
      const [input, output] = (Object.hasOwn(tasks, path) ? tasks[path] : undefined) ?? [null, null];
      image = { input, output };
      images.set(path, image);
    }
    return image;
  }

  function restoreEvent(event: InstanceEvent): InstanceEvent {
    switch (event.type) {
      case 'InstanceStarted':
        return { ...event, input: instance.input };
      case 'InstanceCompleted':
        return { ...event, output: instance.output };
      case 'TaskScheduled':
        return { ...event, payload: { ...event.payload, input: imageAt(event.path).input } };
      case 'TaskCompleted':
        return { ...event, output: imageAt(event.path).output };
      default:
        return event;
    }
  }
}
