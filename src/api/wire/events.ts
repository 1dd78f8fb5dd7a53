/** External events as REST takes them. */
import { type Static, Type } from 'typebox';
import { Instant, JsonValue, plainText, strict } from './common.ts';

export const EventBody = Type.Object(
  {
    id: Type.Optional(plainText(255, 'Unique with the source: a repeat within 24 h is dropped. Default: made here.')),
    type: plainText(255, 'e.g. `payment.confirmed`.'),
    source: Type.Optional(plainText(255, 'Default: `millrace.rest`.')),
    key: plainText(1_000, 'Correlation key.'),
    time: Type.Optional(Instant),
    data: Type.Optional(JsonValue),
  },
  strict,
);
export const EventAccepted = Type.Object({ id: Type.String() });

export type EventBody = Static<typeof EventBody>;
export type EventAccepted = Static<typeof EventAccepted>;
