/** Classifies errors of kafkajs: those that pass by themselves, and records that the broker refuses for ever. */
import { MillraceError } from '../../core/error.ts';

/** Answers of a broker about a record, or the name of a topic, that no retry changes. */
const refusals: Readonly<Record<string, 'MR_RECORD_TOO_LARGE' | 'MR_RECORD_REFUSED'>> = {
  MESSAGE_TOO_LARGE: 'MR_RECORD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'MR_RECORD_TOO_LARGE',
  INVALID_RECORD: 'MR_RECORD_REFUSED',
  INVALID_TIMESTAMP: 'MR_RECORD_REFUSED',
  INVALID_TOPIC_EXCEPTION: 'MR_RECORD_REFUSED',
  POLICY_VIOLATION: 'MR_RECORD_REFUSED',
};

/** The broker's code somewhere in the causes of an error. */
export function protocolErrorOf(error: unknown): string | null {
  return answerIn(error)?.type ?? null;
}

/** Whether the broker calls its answer one that passes by itself, such as during an election of leaders. */
export function isRetriable(error: unknown): boolean {
  const answer = answerIn(error);
  return answer !== null && 'retriable' in answer && answer.retriable === true;
}

/** What was made of a broker's answer, somewhere in the causes of an error. */
function answerIn(error: unknown): { readonly type: string } | null {
  for (let each = error, depth = 0; typeof each === 'object' && each !== null && depth < 10; depth++) {
    if (hasType(each)) return each;
    each = causeOf(each);
  }
  return null;
}

function hasType(error: object): error is { readonly type: string } {
  return 'type' in error && typeof error.type === 'string';
}

function causeOf(error: object): unknown {
  if ('cause' in error && error.cause !== undefined) return error.cause;
  if ('originalError' in error) return error.originalError;
  // One of several, such as of topics that are made together.
  return 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : null;
}

/** Why the broker refuses a record for ever; null for every other error. */
export function refusalOf(error: unknown): MillraceError | null {
  const type = protocolErrorOf(error);
  const code = type === null ? undefined : refusals[type];
  if (code === undefined) return null;
  return new MillraceError(code, `Kafka refuses the record: ${type}.`, { retryable: false, cause: error });
}

export function unavailable(what: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('MR_KAFKA_UNAVAILABLE', `Kafka could not ${what}: ${message}`, { retryable: true, cause });
}
