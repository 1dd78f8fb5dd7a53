/** External events as REST takes them. */
import { type Static, Type } from 'typebox';
import { CORRELATION_KEY_LENGTH_MAX } from '../core/correlation-key.ts';
import { Instant, JsonValue, StorableString, strict } from './common.ts';

export const EventBody = Type.Object(
  {
    id: Type.Optional(
      StorableString(255, 'Unique within the source: an event with the same id and source within 24 h is dropped. Default: generated.'),
    ),
    type: StorableString(255, 'e.g. `payment.confirmed`.'),
    source: Type.Optional(StorableString(255, 'Default: `millrace.rest`.')),
    key: StorableString(CORRELATION_KEY_LENGTH_MAX, 'Correlation key.'),
    time: Type.Optional(Instant),
    data: Type.Optional(JsonValue),
  },
  strict,
);
export const EventAccepted = Type.Object({ id: Type.String() });

export type EventBody = Static<typeof EventBody>;
export type EventAccepted = Static<typeof EventAccepted>;
