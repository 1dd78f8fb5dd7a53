/** Bounds what comes by REST and goes on in a message. */
import { type Json, jsonByteLength } from '../core/json.ts';
import type { ApiLimits } from './context.ts';
import { ApiProblem } from './problem.ts';

/** @param field of the body. @throws ApiProblem when its value is too large for a message. */
export function assertFitsMessage(
  field: string,
  value: Json,
  { payloadBytes, messageBytes = payloadBytes }: Pick<ApiLimits, 'payloadBytes' | 'messageBytes'>,
): void {
  if (jsonByteLength(value) > messageBytes)
    throw new ApiProblem('MR_PAYLOAD_TOO_LARGE', `The ${field} is larger than ${messageBytes} bytes.`, {
      errors: [{ pointer: `/${field}`, message: 'Send a reference to the data instead.' }],
    });
}
