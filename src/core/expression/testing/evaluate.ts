/** Compiles and evaluates in one go, for tests. */
import type { Json } from '../../json.ts';
import { compileExpression, compileTemplate, type EvaluateOptions, ExpressionError, type Scope } from '../index.ts';

/** The roots of a small instance. */
export const sampleScope: Scope = {
  input: {
    amount: 120,
    rate: 2.5,
    name: 'Ada',
    nothing: null,
    yes: true,
    items: [
      { sku: 'a', price: 1 },
      { sku: 'b', price: 22 },
    ],
    constructor: 'own',
    $typeName: 'google.protobuf.Any',
    'a-b': 7,
  },
  vars: { total: 5 },
  nodes: {
    check: { output: { ok: true, x: 5 }, status: 'completed', error: null, attempt: 1 },
    'a-b': { output: 'dashed', status: 'completed', error: null, attempt: 2 },
    later: { output: null, status: null, error: null, attempt: null },
  },
  instance: { id: 'i-1', businessKey: null, definition: 'd', version: 1, startedAt: '2026-01-31T09:00:00.000Z' },
  index: 0,
};

export function evaluated(source: string, scope: Scope = sampleScope, options?: EvaluateOptions): Json {
  const compiled = compileExpression(source);
  if (!compiled.ok) throw new Error(`${source}: ${JSON.stringify(compiled.error)}`);
  return compiled.value.evaluate(scope, options);
}

export function filled(template: Json, scope: Scope = sampleScope): Json {
  const compiled = compileTemplate(template);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.evaluate(scope);
}

/** `CODE message` of the error that evaluating ends with. */
export function errorOf(source: string, scope: Scope = sampleScope, options?: EvaluateOptions): string {
  try {
    return `no error but ${JSON.stringify(evaluated(source, scope, options))}`;
  } catch (error) {
    if (error instanceof ExpressionError) return `${error.code} ${error.message}`;
    throw error;
  }
}

/** The messages of the errors of a source; empty when it compiles. */
export function errorsOf(source: string): readonly string[] {
  const compiled = compileExpression(source);
  return compiled.ok ? [] : compiled.error.map(({ message }) => message);
}
