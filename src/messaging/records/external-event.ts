/** The record ExternalEvent: an event as Millrace writes it to topics of events, and as others may. */
import type { ExternalEvent } from '../../core/external-event.ts';
import type * as records from '../generated/records.ts';

export function toEventRecord({ id, type, source, key, time, data }: ExternalEvent): records.ExternalEvent {
  return { id, type, source, key, time, data: JSON.stringify(data) };
}

/** The event with its data still as a string: callers check the limits of events from all sources in one place. */
export type UnreadEvent = Omit<ExternalEvent, 'data'> & { readonly data: string };

/** @param place stands for an empty id: the same for every delivery of the record. */
export function readEventRecord({ id, type, source, key, time, data }: records.ExternalEvent, place: string): UnreadEvent {
  return { id: id === '' ? place : id, type, source, key, time, data };
}
