/** Whether an instance, as it stands, can move to another version at all. */
import type { Rejection } from '../decide/rejection.ts';
import { hasEnded, type InstanceState } from '../state/state.ts';

/** Why an instance that stands like this moves nowhere, or not there. */
export function standingOf(state: InstanceState, version: number): Rejection | null {
  if (hasEnded(state)) return { code: 'MR_INSTANCE_ENDED', reason: `The instance has ended: it is ${state.phase}.` };
  if (state.phase !== 'running') return { code: 'MR_ENDING', reason: `The instance is being ended already: it is ${state.phase}.` };
  if (state.definitionVersion !== version) return null;
  return { code: 'MR_MIGRATION_REFUSED', reason: `The instance is on version ${version} already.` };
}
