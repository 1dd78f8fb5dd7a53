/** Parts of request and response schemas that several resources share. Times are RFC 3339 strings, sizes are bytes. */
import { type TSchema, Type } from 'typebox';
import type { Json } from '../core/json.ts';

/** Any JSON value. */
export const JsonValue = Type.Unsafe<Json>({ description: 'Any JSON value.' });

export const NullableString = (description?: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...(description === undefined ? {} : { description }) });

export const Instant = Type.String({ format: 'date-time', description: 'RFC 3339, with offset.' });
export const NullableInstant = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  format: 'date-time',
  description: 'RFC 3339, with offset.',
});

/** Unknown members are refused, not ignored. */
export const strict = { additionalProperties: false } as const;

export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const PageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Most items in the answer.' }),
  cursor: Type.Optional(
    Type.String({ maxLength: 1_000, pattern: '^[A-Za-z0-9_.=-]+$', description: 'The `nextCursor` of the previous page. Opaque.' }),
  ),
};

export const PageOf = <Schema extends TSchema>(item: Schema) =>
  Type.Object({ items: Type.Array(item), nextCursor: NullableString('Send it as `cursor` to get the next page; null on the last page.') });

export const DefinitionRef = Type.Object({ id: Type.String(), version: Type.Integer({ minimum: 1 }) });

export const TaskError = Type.Object({
  code: Type.String(),
  message: Type.String(),
  details: Type.Optional(
    Type.Unsafe<Json>({ description: 'What the called service said: `{ status, headers, body }` of an `http` node, at most 4 KiB.' }),
  ),
});

export const Assignees = Type.Object({ users: Type.Array(Type.String()), roles: Type.Array(Type.String()) });

export const WaitQuery = {
  wait: Type.Optional(
    Type.String({ format: 'duration', description: 'How long to wait for the result, e.g. `10s`; at most a minute by default.' }),
  ),
};

/** Of views whose definition may mark values as sensitive. */
export const UnmaskedQuery = {
  unmasked: Type.Optional(
    Type.Boolean({ description: 'true: values that the definition marks as sensitive are shown. For operators and admins; it is logged.' }),
  ),
};

export const NoQuery = Type.Object({}, strict);

/** A string that Postgres can store: it has no NUL. */
export const StorableString = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', ...(description === undefined ? {} : { description }) });
