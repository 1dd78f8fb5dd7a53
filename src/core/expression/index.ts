/** CEL expressions and templates of definitions: compiled once at deploy, evaluated within a budget. Pure. */
import { ExpressionError } from './error.ts';
import type { EvaluateOptions, Expression, Scope } from './types.ts';

export { compileExpression } from './compile.ts';
export { ExpressionError, type ExpressionErrorCode } from './error.ts';
export { impossibleOperations, type TypeOfPath } from './operations.ts';
export { splitPlaceholders } from './placeholders.ts';
export type { ValueType } from './sample-values.ts';
export { type StaticResult, staticResultOf } from './static-result.ts';
export { compileTemplate } from './template.ts';
export * from './types.ts';

/** Evaluates a `when`, `where`, `until` or `while`. Throws ExpressionError, also when the value is not a boolean. */
export function evaluateCondition(expression: Expression, scope: Scope, options?: EvaluateOptions): boolean {
  const value = expression.evaluate(scope, options);
  if (typeof value === 'boolean') return value;
  throw new ExpressionError('MR_EXPRESSION_FAILED', 'The condition gave a value that is neither true nor false.', expression.source);
}
