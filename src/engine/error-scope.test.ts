import { expect, test } from 'vitest';
import { MillraceError } from '../core/error.ts';
import { blameOf, errorCodes, isErrorCode } from '../core/error-codes.ts';
import { isCausedByOneMessage } from './error-scope.ts';

test('an error whose blame is the message or a bug is isolated; what is outside or in the setup is waited for', () => {
  for (const code of Object.keys(errorCodes).filter(isErrorCode)) {
    const isolated = ['message', 'bug'].includes(blameOf(code));
    expect(isCausedByOneMessage(new MillraceError(code, 'refused', { retryable: false })), code).toBe(isolated);
    expect(isCausedByOneMessage(new MillraceError(code, 'away', { retryable: true })), code).toBe(false);
  }
  for (const code of ['MR_DATABASE', 'MR_DATABASE_UNAVAILABLE', 'MR_DEFINITION_MISSING', 'MR_VERSION_CONFLICT'] as const)
    expect(isCausedByOneMessage(new MillraceError(code, 'refused', { retryable: false })), code).toBe(false);
});

test('what is no MillraceError is a bug that this message met', () => {
  expect(isCausedByOneMessage(new TypeError('x is not a function'))).toBe(true);
});
