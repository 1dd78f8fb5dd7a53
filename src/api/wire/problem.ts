/** Errors as problem details (RFC 9457). */
import { type Static, Type } from 'typebox';

export const ProblemFault = Type.Object({
  pointer: Type.String({ description: 'JSON pointer to what is wrong: into the body, or `/query/<name>`, `/headers/<name>`.' }),
  message: Type.String(),
  code: Type.Optional(Type.String()),
});

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'URI of the kind of problem.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong in this case, for a person.' }),
    instance: Type.String({ description: 'The request, as the log names it.' }),
    code: Type.String({ description: '`MR_…`, stable.' }),
    errors: Type.Array(ProblemFault, { description: 'Each fault with its place; empty when there is no place to name.' }),
  },
  { description: 'Problem details (RFC 9457).' },
);

export type Problem = Static<typeof Problem>;
export type ProblemFault = Static<typeof ProblemFault>;
