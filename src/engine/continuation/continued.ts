/** Whether workers may go on by themselves: where the deployment allows it, with the definitions that ask for it. */
import type { Definition } from '../../core/definition/types.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { ReadyDefinitions } from '../ready-definitions.ts';

/** @returns the definition of the instance, if workers may go on with its tasks. */
export function continuedOf(
  isOn: boolean,
  definitions: Pick<ReadyDefinitions, 'peek'>,
  { definitionId, definitionVersion }: Pick<InstanceState, 'definitionId' | 'definitionVersion'>,
): Definition | undefined {
  const definition = isOn ? definitions.peek(definitionId, definitionVersion) : undefined;
  return definition?.continuation === true ? definition : undefined;
}
