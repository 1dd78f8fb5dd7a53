/** Errors as problem details (RFC 9457). */
import { type Static, Type } from 'typebox';
import { ErrorCount, FieldError } from './field-errors.ts';

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'URI of the kind of problem.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong in this case, for a person.' }),
    instance: Type.String({ description: 'The request, as the log names it.' }),
    code: Type.String({ description: '`MR_…`, stable.' }),
    errors: Type.Array(FieldError, { description: 'Each error with its place; empty when there is no place to name.' }),
    errorCount: ErrorCount,
  },
  { description: 'Problem details (RFC 9457).' },
);

export type Problem = Static<typeof Problem>;
