/** What the records ChildStart and ChildWord share, and how the three name a parent. */
import { type InstanceId, parseDefinitionId, parseInstanceId, taskIdOf } from '../../core/ids.ts';
import { addressOf, type ChildRequest, type Parent } from '../../core/instance/children/messages.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { invalid, pathIn } from './invalid.ts';

type ParentFields = Pick<records.ChildWord, 'parentKind' | 'parentTaskId' | 'parentAttempt' | 'parentRun'>;

export function parentFields(parent: Parent): ParentFields {
  if (parent.kind === 'schedule') return { parentKind: parent.kind, parentTaskId: null, parentAttempt: null, parentRun: parent.run };
  const { kind, instanceId, path, attempt } = parent;
  return { parentKind: kind, parentTaskId: taskIdOf(instanceId, path), parentAttempt: attempt, parentRun: null };
}

/** @param id of the parent. */
export function readParent(id: string, { parentKind, parentTaskId, parentAttempt, parentRun }: ParentFields): Parent | InvalidMessage {
  const parentId = parseInstanceId(id);
  if (parentId === undefined) return invalid('the id of the parent is no UUID');
  switch (parentKind) {
    case 'instance': {
      const path = parentTaskId === null ? null : pathIn(parentTaskId, parentId);
      if (path === null || parentAttempt === null) return invalid('the parent is an instance, and its task or attempt is missing');
      return { kind: 'instance', instanceId: parentId, path, attempt: parentAttempt };
    }
    case 'schedule':
      return parentRun === null
        ? invalid('the parent is a schedule, and its run is missing')
        : { kind: 'schedule', scheduleId: parentId, run: parentRun };
    default:
      return invalid('a kind of parent that this version does not know');
  }
}

export function requestFields(childId: InstanceId, request: ChildRequest): Omit<records.ChildWord, 'at'> {
  const { parent, depth, detached, wish, number, definitionId, definitionVersion } = request;
  const what = { depth, detached, wish, number, definitionId, definitionVersion };
  return { instanceId: childId, parentId: addressOf(parent), ...parentFields(parent), ...what };
}

export function readRequest(value: Omit<records.ChildWord, 'at' | 'instanceId'>): ChildRequest | InvalidMessage {
  const { depth, detached, wish, number, definitionVersion } = value;
  const parent = readParent(value.parentId, value);
  if ('code' in parent) return parent;
  const definitionId = parseDefinitionId(value.definitionId);
  if (definitionId === undefined) return invalid('the definitionId is none');
  if (wish !== 'run' && wish !== 'pause' && wish !== 'cancel') return invalid('a wish that this version does not know');
  return { parent, depth, detached, wish, number, definitionId, definitionVersion };
}
