/** Inputs and outputs of tasks that are too large for a record, between workers and the API. */
import { Type } from 'typebox';
import { strict } from './common.ts';

const Attempt = Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'The attempt of the TaskScheduled record.' });

export const TaskInputQuery = Type.Object({ attempt: Attempt }, strict);

export const TaskOutputQuery = Type.Object(
  {
    attempt: Attempt,
    basis: Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'The basis of the TaskScheduled record.',
    }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the body, in lower case.' }),
  },
  strict,
);
