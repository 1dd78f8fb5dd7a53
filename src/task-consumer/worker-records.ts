/** The records that a worker sends: outcomes of attempts, and dead letters. */
import { parseInstanceId } from '../core/ids.ts';
import type { Codec } from '../messaging/codec.ts';
import type { InvalidMessage } from '../messaging/dead-letter-codes.ts';
import type { LogRecord, OutgoingRecord } from '../messaging/log.ts';
import { continuingHeaders, producedHeaders } from '../messaging/produced-headers.ts';
import { deadLetterRecord } from '../messaging/records/dead-letter.ts';
import { toOutcomeRecord } from '../messaging/records/task-outcome.ts';
import { deadLetterExtraBytes } from '../messaging/topics.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';
import type { ScheduledTask } from './task.ts';

const OUTCOME_HEADERS = producedHeaders('TaskOutcome');
const CONTINUING_HEADERS = continuingHeaders();

export class WorkerRecords {
  readonly #codec: Codec;
  readonly #topics: { readonly notifications: string; readonly deadLetters: string };
  readonly #worker: string;
  readonly #deadLetterBytesMax: number;

  /** @param codec prepared for TaskOutcome and DeadLetter on these topics. */
  constructor(
    codec: Codec,
    topics: { readonly notifications: string; readonly deadLetters: string },
    worker: string,
    maxMessageBytes: number,
  ) {
    this.#codec = codec;
    this.#topics = topics;
    this.#worker = worker;
    this.#deadLetterBytesMax = maxMessageBytes + deadLetterExtraBytes;
  }

  /** @param next what this worker goes on with by itself; null: nothing. */
  ofOutcome({ task, startedAt }: Attempt, result: AttemptResult, next: ScheduledTask | null = null): OutgoingRecord {
    const { notifications } = this.#topics;
    const outcome = toOutcomeRecord({ task, startedAt, finishedAt: Date.now(), worker: this.#worker }, result, next);
    return {
      topic: notifications,
      key: task.instanceId,
      value: this.#codec.encode('TaskOutcome', notifications, outcome),
      headers: next === null ? OUTCOME_HEADERS : CONTINUING_HEADERS,
    };
  }

  ofInvalid(original: LogRecord, invalid: InvalidMessage): OutgoingRecord {
    const instanceId = parseInstanceId(original.key?.toString('utf8') ?? '') ?? null;
    const deadLetter = { ...invalid, original, instanceId, at: Date.now() };
    return deadLetterRecord(this.#codec, this.#topics.deadLetters, deadLetter, this.#deadLetterBytesMax);
  }
}
