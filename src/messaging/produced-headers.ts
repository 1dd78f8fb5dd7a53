/** Headers of every record that a process produces itself; rows of the outbox get them from Debezium. */
import { messageTypeHeader } from './codec.ts';
import type { RecordName } from './generated/records.ts';
import type { LogHeader, LogRecord } from './log.ts';

/** In an outcome whose worker goes on with the next task: more of its instance is about to come. A reader may do without it. */
const continuingHeader = 'continuing';

export function producedHeaders(record: RecordName): LogHeader[] {
  return [{ key: messageTypeHeader, value: Buffer.from(record) }];
}

export function continuingHeaders(): LogHeader[] {
  return [...producedHeaders('TaskOutcome'), { key: continuingHeader, value: Buffer.from('1') }];
}

/** Tells it without decoding the record. */
export function isContinuing({ headers }: Pick<LogRecord, 'headers'>): boolean {
  return headers.some(({ key }) => key === continuingHeader);
}
