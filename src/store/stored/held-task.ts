/** A held task as text: its column is compared as a whole. */
import type { InstanceStatus } from '../../core/instance/state/state.ts';
import type { HeldTask } from '../instance-store.ts';

/** Of instances that send tasks. */
export const sendingStatuses: readonly InstanceStatus[] = ['running', 'incident', 'ending', 'undoing'];

export function heldText({ path, attempt, basis }: HeldTask): string {
  return JSON.stringify([path, attempt, basis]);
}

export function heldTaskOf(text: string): HeldTask {
  const [path, attempt, basis] = JSON.parse(text) as [HeldTask['path'], number, HeldTask['basis']];
  return { path, attempt, basis };
}
