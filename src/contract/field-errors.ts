/** Errors with their places in what was sent. An answer holds the first ones and the count of all. Knows no status. */
import { type Static, Type } from 'typebox';

export const FieldError = Type.Object({
  pointer: Type.String({ description: 'JSON pointer to what is wrong: into the body, or `/query/<name>`, `/headers/<name>`.' }),
  message: Type.String(),
  code: Type.Optional(Type.String()),
});

/** Most errors in one answer: a large document can have tens of thousands. */
export const ERRORS_MAX = 100;

export const ErrorCount = Type.Integer({
  description: `How many errors there are. \`errors\` has the first ${ERRORS_MAX} of them.`,
});

/** The same cut for every answer and for local checks, so that all of them name the same errors. */
export function firstErrors<Each>(all: readonly Each[]): { errors: Each[]; errorCount: number } {
  return { errors: all.slice(0, ERRORS_MAX), errorCount: all.length };
}

export type FieldError = Static<typeof FieldError>;
