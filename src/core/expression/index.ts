/** CEL expressions and templates of definitions: compiled once at deploy, evaluated within a budget. Pure. */
import type { Json } from '../json.ts';
import { err, type Result } from '../result.ts';
import { ExpressionError } from './error.ts';
import type { CompileOptions, EvaluateOptions, Expression, ExpressionFault, Scope, Template, TemplateFault } from './types.ts';

export { ExpressionError, type ExpressionErrorCode } from './error.ts';
export * from './types.ts';

export function compileExpression(_source: string, _options?: CompileOptions): Result<Expression, readonly ExpressionFault[]> {
  return err([{ message: 'Expressions are not supported yet.' }]);
}

export function compileTemplate(_value: Json, _options?: CompileOptions): Result<Template, readonly TemplateFault[]> {
  return err([{ pointer: '', message: 'Expressions are not supported yet.' }]);
}

/** Evaluates a `when`, `where`, `until` or `while`. Throws ExpressionError, also when the value is no bool. */
export function evaluateCondition(expression: Expression, scope: Scope, options?: EvaluateOptions): boolean {
  const value = expression.evaluate(scope, options);
  if (typeof value === 'boolean') return value;
  throw new ExpressionError('MR_EXPRESSION_FAILED', 'The condition gave a value that is neither true nor false.', expression.source);
}
