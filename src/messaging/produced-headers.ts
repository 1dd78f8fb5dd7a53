/** Headers of every record that a process produces itself; rows of the outbox get them from Debezium. */
import { messageTypeHeader } from './codec.ts';
import type { RecordName } from './generated/records.ts';
import type { LogHeader } from './log.ts';

export function producedHeaders(record: RecordName): LogHeader[] {
  return [{ key: messageTypeHeader, value: Buffer.from(record) }];
}
