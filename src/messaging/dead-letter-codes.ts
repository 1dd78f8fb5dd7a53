/** Why a message can never be processed. Each is in the table of all codes too. */
import type { ErrorCode } from '../core/error-codes.ts';

export const deadLetterCodes = [
  /** Its bytes do not begin with the registry's magic byte and a schema id. */
  'MR_NOT_FRAMED',
  /** The registry does not know the schema id. */
  'MR_SCHEMA_UNKNOWN',
  /** Another record than this topic carries, or bytes that its schema does not describe. */
  'MR_SCHEMA_MISMATCH',
  /** No key, which names the instance or correlates the event. */
  'MR_NO_KEY',
  /** No value at all. */
  'MR_TOMBSTONE',
  /** Above the limit of payloads, though the broker accepted it. */
  'MR_TOO_LARGE',
  /** It is for an instance that does not exist. */
  'MR_INSTANCE_UNKNOWN',
  /** It holds a number that a double would change. */
  'MR_NUMBER_UNSAFE',
  /** An external event that lacks a required part, or whose data is not JSON. */
  'MR_EVENT_INVALID',
  /** A trigger of a definition fails on the event, or the start that it asks for is refused. */
  'MR_TRIGGER_FAILED',
  /** A record of Millrace whose fields contradict each other or hold an invalid id. */
  'MR_MESSAGE_INVALID',
  /** Processing it fails whenever it is tried: a bug, or something that the database refuses. */
  'MR_STEP_FAILED',
] as const satisfies readonly ErrorCode[];

export type DeadLetterCode = (typeof deadLetterCodes)[number];

/** What is wrong with a message, for the dead letter. */
export type InvalidMessage = { readonly code: DeadLetterCode; readonly reason: string };
