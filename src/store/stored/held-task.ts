/** Held tasks as text: a line for each, by which it is found again. */
import type { InstanceStatus } from '../../core/instance/state/state.ts';
import type { HeldChange, HeldTask } from '../instance-store.ts';

/** Of instances that send tasks. */
export const sendingStatuses: readonly InstanceStatus[] = ['running', 'incident', 'ending', 'undoing'];

/** One line, since JSON escapes line feeds. */
export function heldText({ path, attempt, basis }: HeldTask): string {
  return JSON.stringify([path, attempt, basis]);
}

/** null: none. */
export function heldTexts(tasks: readonly HeldTask[]): string | null {
  return tasks.length === 0 ? null : tasks.map(heldText).join('\n');
}

export function heldTasksOf(text: string): readonly HeldTask[] {
  return text.split('\n').map((line) => {
    const [path, attempt, basis] = JSON.parse(line) as [HeldTask['path'], number, HeldTask['basis']];
    return { path, attempt, basis };
  });
}

/** What a row holds after a step. What was released meanwhile is not held again, though the step was decided before that. */
export function heldAfter(row: readonly HeldTask[], change: HeldChange | undefined): readonly HeldTask[] {
  if (change === undefined) return row;
  const still = new Set(row.map(heldText));
  return [...change.kept.filter((task) => still.has(heldText(task))), ...change.added];
}
