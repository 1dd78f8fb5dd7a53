/**
 * Every error code, and what follows from it. `blame` says who caused it, which decides whether one message is taken
 * out of a batch or everything waits; `http` is the status that REST answers. docs/errors.md has a row for each, which a
 * test compares with this table. A code never changes its meaning.
 */

/**
 * `message`: the request, message or definition itself is wrong; others are not affected. `outside`: a service is unavailable or
 * busy, for a while. `setup`: the installation is set up wrongly, and a person must act. `bug`: our own code failed at it.
 */
export type Blame = 'message' | 'outside' | 'setup' | 'bug';

type ErrorFacts = {
  readonly blame: Blame;
  /** If there are several, the first is the default. null: REST never answers with it. */
  readonly http: number | readonly [number, ...number[]] | null;
};

export const errorCodes = {
  // Requests
  MR_UNAUTHENTICATED: { blame: 'message', http: 401 },
  MR_FORBIDDEN: { blame: 'message', http: 403 },
  MR_NOT_ASSIGNED: { blame: 'message', http: 403 },
  MR_NOT_FOUND: { blame: 'message', http: 404 },
  MR_ROUTE_UNKNOWN: { blame: 'message', http: 404 },
  MR_REQUEST_INVALID: { blame: 'message', http: [400, 408, 414] },
  MR_JSON_MALFORMED: { blame: 'message', http: 400 },
  MR_JSON_TOO_DEEP: { blame: 'message', http: 422 },
  MR_NUMBER_UNSAFE: { blame: 'message', http: 422 },
  MR_JSON_DUPLICATE_KEY: { blame: 'message', http: 422 },
  MR_STRING_UNSAFE: { blame: 'message', http: 422 },
  MR_MEDIA_TYPE: { blame: 'message', http: 415 },
  MR_BODY_TOO_LARGE: { blame: 'message', http: 413 },
  MR_HEADERS_TOO_LARGE: { blame: 'message', http: 431 },
  MR_PAYLOAD_TOO_LARGE: { blame: 'message', http: 413 },
  MR_CURSOR_INVALID: { blame: 'message', http: 400 },
  MR_DEFINITION_TOO_LARGE: { blame: 'message', http: 413 },
  MR_DEFINITION_INVALID: { blame: 'message', http: 422 },
  MR_DEFINITION_BREAKING: { blame: 'message', http: 409 },
  MR_INPUT_INVALID: { blame: 'message', http: 422 },
  MR_START_REFUSED: { blame: 'message', http: 422 },
  MR_IDEMPOTENCY_KEY_REUSED: { blame: 'message', http: 422 },
  MR_FORM_INVALID: { blame: 'message', http: 422 },
  MR_NOT_PUBLISHING: { blame: 'outside', http: 503 },
  MR_TOO_MANY_STARTS: { blame: 'outside', http: 429 },
  MR_TOO_MANY_STREAMS: { blame: 'outside', http: 429 },
  MR_TOO_BUSY: { blame: 'outside', http: 429 },
  MR_INTERNAL: { blame: 'bug', http: 500 },
  // Commands and tasks of people
  MR_INSTANCE_ENDED: { blame: 'message', http: 409 },
  MR_ALREADY_PAUSED: { blame: 'message', http: 409 },
  MR_NOT_PAUSED: { blame: 'message', http: 409 },
  MR_ENDING: { blame: 'message', http: 409 },
  MR_PAUSED: { blame: 'message', http: 409 },
  MR_NO_INCIDENT: { blame: 'message', http: 409 },
  MR_TASK_DECIDED: { blame: 'message', http: 409 },
  MR_TASK_CLAIMED: { blame: 'message', http: 409 },
  MR_TASK_NOT_OPEN: { blame: 'message', http: 409 },
  MR_TASK_EXCLUDED: { blame: 'message', http: 403 },
  MR_TASK_VOTED: { blame: 'message', http: 409 },
  MR_TASK_OUTCOME: { blame: 'message', http: 422 },
  MR_TASK_FULL: { blame: 'message', http: 409 },
  MR_TASK_NOT_HUMAN: { blame: 'message', http: 409 },
  MR_TASK_UNKNOWN: { blame: 'message', http: 409 },
  MR_JOB_STATUS: { blame: 'message', http: 409 },
  MR_VAR_UNKNOWN: { blame: 'message', http: 409 },
  MR_RERUN_REFUSED: { blame: 'message', http: 409 },
  MR_MIGRATION_REFUSED: { blame: 'message', http: 409 },
  MR_DEAD_LETTER_CLOSED: { blame: 'message', http: 409 },
  MR_DEAD_LETTER_INCOMPLETE: { blame: 'message', http: 409 },
  // Errors in definitions
  MR_DEF_SHAPE: { blame: 'message', http: 422 },
  MR_DEF_MISSING_FIELD: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_FIELD: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_TYPE: { blame: 'message', http: 422 },
  MR_DEF_ID: { blame: 'message', http: 422 },
  MR_DEF_STRING: { blame: 'message', http: 422 },
  MR_DEF_LITERAL: { blame: 'message', http: 422 },
  MR_DEF_DURATION: { blame: 'message', http: 422 },
  MR_DEF_INSTANT: { blame: 'message', http: 422 },
  MR_DEF_CRON: { blame: 'message', http: 422 },
  MR_DEF_TIME_ZONE: { blame: 'message', http: 422 },
  MR_DEF_SCHEMA: { blame: 'message', http: 422 },
  MR_DEF_EXPRESSION: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_ROOT: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_VAR: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_MEMBER: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_NODE: { blame: 'message', http: 422 },
  MR_DEF_NODE_NOT_BEFORE: { blame: 'message', http: 422 },
  MR_DEF_SELF_EDGE: { blame: 'message', http: 422 },
  MR_DEF_DUPLICATE_EDGE: { blame: 'message', http: 422 },
  MR_DEF_COMPENSATION: { blame: 'message', http: 422 },
  MR_DEF_EDGE: { blame: 'message', http: 422 },
  MR_DEF_EDGE_NEVER_TAKEN: { blame: 'message', http: 422 },
  MR_DEF_CYCLE: { blame: 'message', http: 422 },
  MR_DEF_UNREACHABLE_NODE: { blame: 'message', http: 422 },
  MR_DEF_OTHERWISE_MISSING: { blame: 'message', http: 422 },
  MR_DEF_OTHERWISE_NEVER: { blame: 'message', http: 422 },
  MR_DEF_OTHERWISE_TWICE: { blame: 'message', http: 422 },
  MR_DEF_TYPE: { blame: 'message', http: 422 },
  MR_DEF_JOIN: { blame: 'message', http: 422 },
  MR_DEF_DUPLICATE: { blame: 'message', http: 422 },
  MR_DEF_LIMIT: { blame: 'message', http: 422 },
  MR_DEF_TOPIC_NOT_ALLOWED: { blame: 'message', http: 422 },
  MR_DEF_UNKNOWN_DEFINITION: { blame: 'message', http: 422 },
  MR_DEF_CHILD_OF_ITSELF: { blame: 'message', http: 422 },
  MR_DEF_CREDENTIAL_IN_CLEAR: { blame: 'message', http: null },
  MR_DEF_TEXT_LIKE_EXPRESSION: { blame: 'message', http: null },
  MR_DEF_STATUS_UNKNOWN: { blame: 'message', http: null },
  MR_DEF_SENSITIVE_SHOWN: { blame: 'message', http: null },
  // Expressions, at run time
  MR_EXPRESSION_FAILED: { blame: 'message', http: null },
  MR_EXPRESSION_FUEL: { blame: 'message', http: null },
  MR_EXPRESSION_RESULT: { blame: 'message', http: null },
  MR_VALUE_UNFIT: { blame: 'message', http: null },
  // Messages that change nothing
  MR_OUTCOME_STALE: { blame: 'message', http: null },
  MR_TIMER_STALE: { blame: 'message', http: null },
  MR_COMMAND_REPEATED: { blame: 'message', http: null },
  MR_EVENT_REPEATED: { blame: 'message', http: null },
  MR_EVENT_REFUSED: { blame: 'message', http: null },
  MR_CHILD_STALE: { blame: 'message', http: null },
  // Children
  MR_CHILD_GONE: { blame: 'message', http: null },
  MR_CHILD_TOO_DEEP: { blame: 'message', http: null },
  // Dead letters
  MR_NOT_FRAMED: { blame: 'message', http: null },
  MR_SCHEMA_UNKNOWN: { blame: 'message', http: null },
  MR_SCHEMA_MISMATCH: { blame: 'message', http: null },
  MR_NO_KEY: { blame: 'message', http: null },
  MR_TOMBSTONE: { blame: 'message', http: null },
  MR_TOO_LARGE: { blame: 'message', http: null },
  MR_INSTANCE_UNKNOWN: { blame: 'message', http: null },
  MR_EVENT_INVALID: { blame: 'message', http: null },
  MR_TRIGGER_FAILED: { blame: 'message', http: null },
  MR_MESSAGE_INVALID: { blame: 'message', http: null },
  MR_STEP_FAILED: { blame: 'bug', http: null },
  // Errors of the surroundings
  MR_DATABASE_UNAVAILABLE: { blame: 'outside', http: 503 },
  MR_DATABASE_CONFLICT: { blame: 'outside', http: 503 },
  MR_DATABASE_SETTINGS: { blame: 'setup', http: null },
  MR_DATA_REFUSED: { blame: 'message', http: null },
  MR_DATABASE: { blame: 'setup', http: null },
  MR_KAFKA_UNAVAILABLE: { blame: 'outside', http: 503 },
  MR_REGISTRY_UNAVAILABLE: { blame: 'outside', http: 503 },
  MR_API_UNAVAILABLE: { blame: 'outside', http: null },
  MR_CONNECT_UNAVAILABLE: { blame: 'outside', http: null },
  MR_CONNECT_REFUSED: { blame: 'setup', http: null },
  MR_CONNECTOR_FAILED: { blame: 'outside', http: null },
  MR_CONNECTOR_MISSING: { blame: 'setup', http: null },
  MR_CONNECTOR_SETTINGS: { blame: 'setup', http: null },
  MR_NOT_INSTALLED: { blame: 'setup', http: null },
  MR_PARTITIONS_FROZEN: { blame: 'setup', http: null },
  MR_MIGRATION_FAILED: { blame: 'setup', http: null },
  MR_REPLICATION_URL: { blame: 'setup', http: null },
  MR_SLOT_TAKEN: { blame: 'setup', http: null },
  MR_SLOT_MISSING: { blame: 'setup', http: null },
  MR_TOPIC_PARTITIONS: { blame: 'setup', http: null },
  MR_TOPIC_MISSING: { blame: 'setup', http: null },
  MR_PUBLISH_TOPIC: { blame: 'setup', http: null },
  MR_EVENT_TOPIC: { blame: 'setup', http: null },
  MR_OUTBOX_TOPIC_UNKNOWN: { blame: 'message', http: null },
  MR_MESSAGE_TOO_LARGE: { blame: 'message', http: 413 },
  MR_STATE_TOO_LARGE: { blame: 'message', http: 413 },
  MR_RECORD_TOO_LARGE: { blame: 'message', http: 413 },
  MR_RECORD_REFUSED: { blame: 'message', http: 409 },
  MR_PRODUCER_STOPPED: { blame: 'outside', http: 503 },
  MR_SCHEMA_NOT_REGISTERED: { blame: 'setup', http: null },
  MR_SCHEMA_INCOMPATIBLE: { blame: 'setup', http: null },
  MR_DEFINITION_MISSING: { blame: 'setup', http: null },
  MR_DEFINITION_UNREADABLE: { blame: 'bug', http: null },
  MR_VERSION_CONFLICT: { blame: 'outside', http: null },
  MR_API_KEY_FILE: { blame: 'setup', http: null },
} as const satisfies { readonly [code: string]: ErrorFacts };

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

export function blameOf(code: ErrorCode): Blame {
  return errorCodes[code].blame;
}

/** Statuses that REST answers with this code; empty when it never does. */
export function httpStatusesOf(code: ErrorCode): readonly number[] {
  const { http }: ErrorFacts = errorCodes[code];
  if (http === null) return [];
  return typeof http === 'number' ? [http] : http;
}
