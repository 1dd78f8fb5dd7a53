/** The versions that commands want to move instances to, read before a step, which waits for nothing. */
import type { Definition } from '../../core/definition/types.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { Versions } from '../../core/instance/view.ts';
import { isCausedByOneMessage } from '../error-scope.ts';
import type { ReadyDefinitions } from '../ready-definitions.ts';

/** Asked for each batch of each instance: nearly all want none, and then nothing is awaited. */
export function wantedVersions(notifications: readonly AddressedNotification[]): ReadonlySet<number> {
  const wanted = new Set<number>();
  for (const { notification } of notifications)
    if (notification.type === 'CommandIssued' && notification.command.type === 'migrate') wanted.add(notification.command.version);
  return wanted;
}

/**
 * A version that was never deployed, or that cannot be read, is not among them: then the command is refused.
 * Throws a retryable MillraceError while something that is needed is away or missing.
 */
export async function targetVersions(
  definitions: Pick<ReadyDefinitions, 'find'>,
  { definitionId }: Pick<InstanceState, 'definitionId'>,
  wanted: ReadonlySet<number>,
): Promise<Versions> {
  const found = new Map<number, Definition>();
  for (const version of wanted) {
    const definition = await findReadable(definitions, definitionId, version);
    if (definition !== null) found.set(version, definition);
  }
  return found;
}

async function findReadable(
  definitions: Pick<ReadyDefinitions, 'find'>,
  id: InstanceState['definitionId'],
  version: number,
): Promise<Definition | null> {
  try {
    return await definitions.find(id, version);
  } catch (error) {
    if (!isCausedByOneMessage(error)) throw error;
    return null;
  }
}
