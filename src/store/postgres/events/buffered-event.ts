/** A row of `event_buffer` `e` as it is read, and the event in it. */
import type { ExternalEvent } from '../../../core/external-event.ts';
import { epochMs } from '../sql/times.ts';

export type BufferedEvent = {
  row_id: string;
  id: string;
  type: string;
  source: string;
  key: string;
  time: number | null;
  data: ExternalEvent['data'];
};

export const eventFields = `e.row_id, e.id, e.type, e.source, e.key, ${epochMs('e.time')} AS time, e.data`;

export function eventOf({ id, type, source, key, time, data }: BufferedEvent): ExternalEvent {
  return { id, type, source, key, time, data };
}
