/** The record InstanceChanged: the lifecycle of an instance, for anybody. The engine reads only its key. */
import type { Effect } from '../../core/instance/outgoing/effects.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type * as records from '../generated/records.ts';
import { taskIdAt } from './invalid.ts';

export function toChangeRecord(state: InstanceState, effect: Effect & { readonly type: 'lifecycle' }): records.InstanceChanged {
  const { instanceId, definitionId, definitionVersion, businessKey } = state;
  const { change, status, path, seq, at } = effect;
  return { instanceId, definitionId, definitionVersion, businessKey, change, status, taskId: taskIdAt(instanceId, path), seq, at };
}

/** The instance that a record on the lifecycle topic is about, by its key. */
export function instanceIdOfChange(key: Buffer): string {
  return key.toString('latin1');
}
