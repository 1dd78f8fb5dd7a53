/** The record ChildStart: a parent asks for a child, with all that its start needs. */
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import type { ChildStart } from '../../core/instance/children/messages.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { readRequest, requestFields } from './child-request.ts';
import { invalid } from './invalid.ts';

export function toChildStartRecord(
  childId: InstanceId,
  { request, input, businessKey }: Omit<ChildStart, 'type'>,
  at: EpochMs,
): records.ChildStart {
  return { ...requestFields(childId, request), input: JSON.stringify(input), businessKey, at };
}

export function readChildStartRecord(value: records.ChildStart): ChildStart | InvalidMessage {
  const request = readRequest(value);
  if ('code' in request) return request;
  const input = parseJsonStrict(value.input);
  if (!input.ok) return invalid(`the input cannot be read: ${input.reason}`);
  return { type: 'ChildStart', request, input: input.value, businessKey: value.businessKey };
}
