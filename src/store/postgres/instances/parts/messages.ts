/** Messages of the step, into the outbox. */
import { insertSent, sentColumns } from '../../outbox/messages.ts';
import type { Part } from './part.ts';

export const sendMessages: Part = {
  name: 'sent',
  sql: insertSent,
  count: sentColumns.count,
  values: (rows) => sentColumns.encodeInParts(rows.messages),
};
