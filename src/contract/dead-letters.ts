/** Dead letters as REST shows them. */
import { type Static, Type } from 'typebox';
import { Instant, NullableString, PageOf, PageQuery, strict, UnmaskedQuery } from './common.ts';

const Status = Type.Union([Type.Literal('open'), Type.Literal('replayed'), Type.Literal('discarded')]);

export const DeadLetter = Type.Object({
  id: Type.String(),
  code: Type.String(),
  reason: Type.String(),
  topic: Type.String({ description: 'Topic of the original message.' }),
  partition: Type.Integer(),
  offset: Type.String(),
  keyBase64: NullableString('In lists the first 4,096 bytes.'),
  valueBase64: NullableString('In lists the first 4,096 bytes. null: a tombstone, or left out (`omitted`).'),
  valueBytes: Type.Integer({ description: 'Length of the original value.' }),
  headers: Type.Array(Type.Object({ key: Type.String(), valueBase64: Type.String() }), {
    description: 'Left out in lists where they are large.',
  }),
  omitted: NullableString(
    'What the dead letter does not hold of the original, because it is too large, e.g. value: the original is in its own topic only, and cannot be replayed. null: the dead letter holds all of it.',
  ),
  masked: Type.Boolean({
    description:
      'true: key, value and headers are null or empty here, since the definition of its instance marks something as sensitive, or is not known. `unmasked=true` shows them.',
  }),
  instanceId: NullableString(),
  at: Instant,
  status: Status,
});
export const DeadLetterPage = PageOf(DeadLetter);
export const DeadLetterQuery = Type.Object({ ...PageQuery, ...UnmaskedQuery, status: Type.Optional(Status) }, strict);
export const DeadLetterClosed = Type.Object({ id: Type.String(), status: Status });

export type DeadLetter = Static<typeof DeadLetter>;
export type DeadLetterClosed = Static<typeof DeadLetterClosed>;
