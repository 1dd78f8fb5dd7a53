/** The state that goes with a task to whoever goes on after it. */
import type { Definition } from '../../core/definition/types.ts';
import type { TaskPath } from '../../core/ids.ts';
import { continuationOf } from '../../core/instance/continuation/continuation.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import { estimateStateBytes } from '../process/state-size.ts';

/** A state that is far above what travels is not even written out to be measured. */
const ESTIMATE_MAX = 262_144;

/** @returns null where the worker gets none: nothing of its queue can follow, or the state is too large. */
export function travellingState(definition: Definition, state: InstanceState, path: TaskPath): string | null {
  return estimateStateBytes(state) > ESTIMATE_MAX ? null : continuationOf(definition, state, path);
}
