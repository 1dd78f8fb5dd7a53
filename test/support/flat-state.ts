/** A state with the tasks, incidents and timers of all scopes by path or id, as tests read them. */
import type { TaskPath } from '../../src/core/ids.ts';
import { incidentsOf, tasksOf, timersOf } from '../../src/core/instance/state/scopes.ts';
import type { Incident, InstanceState, TaskState, Timer } from '../../src/core/instance/state/state.ts';

export type FlatState = InstanceState & {
  readonly tasks: { readonly [path: TaskPath]: TaskState };
  readonly incidents: { readonly [path: string]: Incident };
  readonly timers: { readonly [timerId: string]: Timer };
};

/** They are not enumerable, so that the state still equals the one it was made of. */
export function flat(state: InstanceState): FlatState {
  const tasks: Record<TaskPath, TaskState> = Object.fromEntries(tasksOf(state).map((task) => [task.path, task]));
  const members = { tasks: { value: tasks }, incidents: { value: incidentsOf(state) }, timers: { value: timersOf(state) } };
  return Object.defineProperties({ ...state }, members) as FlatState;
}
