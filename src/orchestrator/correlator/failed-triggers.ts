/**
 * Dead letters of triggers: the event was correlated, but one definition could not be started by it. Each names its definition in
 * a header of the original, so that a replay starts this definition and nothing else. Written through the outbox, in the
 * transaction that used the event up: a dead letter that was sent afterwards could be lost with the process.
 */
import { type DefinitionId, parseDefinitionId } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { LogRecord } from '../../messaging/log.ts';
import { deadLetterRecord } from '../../messaging/records/dead-letter.ts';
import type { FailedStart } from '../../store/triggers.ts';

const HEADER = 'millrace-trigger';
/** The part of a message's limit that key, type and columns of the outbox take. */
const OUTBOX_BYTES = 4_096;

export type TriggerLetterOptions = {
  /** Prepared for DeadLetter on the topic. */
  readonly codec: Codec;
  readonly topic: string;
  readonly maxMessageBytes: number;
};

/** @param record that brought the event. */
export function triggerDeadLetter(
  { codec, topic, maxMessageBytes }: TriggerLetterOptions,
  record: LogRecord,
  { event, definitionId, reason }: FailedStart,
): OutboxMessage {
  const others = record.headers.filter(({ key }) => key !== HEADER);
  const original = { ...record, headers: [...others, { key: HEADER, value: Buffer.from(definitionId) }] };
  const text = `${definitionId} is not started by the event ${event.id} of ${event.source}: ${reason}`;
  const deadLetter = { code: 'MR_TRIGGER_FAILED' as const, reason: text, instanceId: null, at: Date.now(), original };
  const { value } = deadLetterRecord(codec, topic, deadLetter, maxMessageBytes - OUTBOX_BYTES);
  return { topic, key: definitionId, messageType: 'DeadLetter', partition: null, payload: value ?? Buffer.alloc(0) };
}

/** The definition that a replayed record is for; null: it is an ordinary event. */
export function replayedFor({ headers }: LogRecord): DefinitionId | null {
  const header = headers.find(({ key }) => key === HEADER);
  return header === undefined ? null : (parseDefinitionId(header.value.toString()) ?? null);
}
