/** The record ChildEnd: what became of a child, to its parent. */
import { type EpochMs, parseInstanceId } from '../../core/ids.ts';
import { addressOf, type ChildEnd, type ChildResult } from '../../core/instance/children/messages.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { parentFields, readParent } from './child-request.ts';
import { invalid } from './invalid.ts';

export function toChildEndRecord({ childId, parent, result }: ChildEnd, at: EpochMs): records.ChildEnd {
  return {
    ...{ instanceId: addressOf(parent), childId, ...parentFields(parent), result: result.status, at },
    output: result.status === 'completed' ? JSON.stringify(result.output) : null,
    errorCode: result.status === 'failed' ? result.error.code : null,
    errorMessage: result.status === 'failed' ? result.error.message : null,
  };
}

export function readChildEndRecord(value: records.ChildEnd): ChildEnd | InvalidMessage {
  const childId = parseInstanceId(value.childId);
  if (childId === undefined) return invalid('the childId is no UUID');
  const parent = readParent(value.instanceId, value);
  if ('code' in parent) return parent;
  const result = resultOf(value);
  return 'code' in result ? result : { type: 'ChildEnd', childId, parent, result };
}

function resultOf({ result: status, output, errorCode, errorMessage }: records.ChildEnd): ChildResult | InvalidMessage {
  switch (status) {
    case 'completed': {
      const read = parseJsonStrict(output ?? 'null');
      return read.ok ? { status, output: read.value } : invalid(`the output cannot be read: ${read.reason}`);
    }
    case 'failed':
      if (errorCode === null || errorMessage === null) return invalid('a failed child without an error');
      return { status, error: { code: errorCode, message: errorMessage } };
    case 'cancelled':
    case 'started':
    case 'unknown':
    case 'gone':
      return { status };
    default:
      return invalid('an end that this version does not know');
  }
}
