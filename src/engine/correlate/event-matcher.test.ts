/** Whether an event fits a wait: what `where` sees of it, and what happens when the condition fails. */
import { expect, it } from 'vitest';
import type { ExternalEvent } from '../../core/external-event.ts';
import { createEventMatcher } from './event-matcher.ts';

const event: ExternalEvent = {
  ...{ id: 'e-1', type: 'payment.confirmed', source: 'bank', key: 'o-1', data: { amount: 12.5 } },
  time: Date.parse('2026-01-31T09:00:00.250Z'),
};
const matcher = createEventMatcher({
  ofMatch: () => {
    throw new Error('nothing is encoded here');
  },
});

function verdictOf(source: string, given: ExternalEvent = event) {
  return matcher.matches({ source, scope: { vars: { least: 10 } } }, given);
}

it.each([
  "event.id == 'e-1'",
  "event.type == 'payment.confirmed'",
  "event.source == 'bank'",
  "event.key == 'o-1'",
  "event.time == '2026-01-31T09:00:00.250Z'",
  "timestamp(event.time) > timestamp('2026-01-31T10:00:00+02:00')",
  'event.data.amount >= vars.least',
])('sees the whole event and the frozen values: %s', (source) => {
  expect(verdictOf(source)).toBe('yes');
  expect(verdictOf(`!(${source})`)).toBe('no');
});

it('sees null for a time that the producer did not give', () => {
  expect(verdictOf('event.time == null', { ...event, time: null })).toBe('yes');
});

it('sees the item of a forEach by the name that the author gave it', () => {
  const where = { source: 'event.key == order.id && index == 0', scope: { order: { id: 'o-1' }, index: 0 } };
  expect(matcher.matches(where, event)).toBe('yes');
});

it.each([
  ['a condition that gives no bool', 'event.data.amount', 'neither true nor false'],
  ['a condition that fails on this event', 'event.data.missing > 1', 'There is no member `missing`'],
  ['a condition that this version cannot read', 'event.data.', 'can no longer be read'],
])('gives the reason for %s', (_, source, reason) => {
  expect(verdictOf(source)).toEqual({ failed: expect.stringContaining(reason) });
});
