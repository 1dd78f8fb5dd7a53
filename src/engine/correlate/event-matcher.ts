/**
 * Decides whether an event fits a wait (`where`) and makes the message that tells the instance so. The store calls it
 * within the transaction that holds the event's locks, so everything here is pure and bounded by the fuel of expressions.
 */
import { askWhere } from '../../core/nodes/event/where.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { EventMatcher } from '../../store/instance-store.ts';

export function createEventMatcher(outgoing: Pick<OutgoingMessages, 'ofMatch'>): EventMatcher {
  return {
    matches: askWhere,
    encode: (wait, event, eventRowId, whereError) => outgoing.ofMatch(wait, event, eventRowId, whereError),
  };
}
