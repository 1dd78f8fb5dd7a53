/** The record ChildWord: what a parent wants of a child that it asked for. */
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import type { ChildRequest, ChildWord } from '../../core/instance/children/messages.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { readRequest, requestFields } from './child-request.ts';

export function toChildWordRecord(childId: InstanceId, request: ChildRequest, at: EpochMs): records.ChildWord {
  return { ...requestFields(childId, request), at };
}

export function readChildWordRecord(value: records.ChildWord): ChildWord | InvalidMessage {
  const request = readRequest(value);
  return 'code' in request ? request : { type: 'ChildWord', request };
}
