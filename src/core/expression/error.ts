/** The errors of evaluating an expression. Messages say what kind of thing went wrong and never quote data. */

export type ExpressionErrorCode =
  /** Something in the expression does not fit the data: a missing key, operands of the wrong types, a division by zero. */
  | 'MR_EXPRESSION_FAILED'
  /** The expression did more work than one evaluation may do. */
  | 'MR_EXPRESSION_FUEL'
  /** The expression gave a value that JSON cannot hold. */
  | 'MR_EXPRESSION_RESULT';

const MESSAGE_LENGTH_MAX = 500;

export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly code: ExpressionErrorCode;
  /** The expression's source text. */
  readonly source: string;

  constructor(code: ExpressionErrorCode, message: string, source: string) {
    super(message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message);
    this.code = code;
    this.source = source;
  }
}
