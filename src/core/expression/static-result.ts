/**
 * What an expression is by its form alone: a path that it reads whole (`input.order.items[0]`), or the JSON type that its last
 * operator always gives. Everything else is not known. Used by checks at deploy, never while an instance runs.
 */
import { compiledInParts } from '../compilation.ts';
import type { Expr } from './instrument.ts';
import { plainTreeOf } from './plain-tree.ts';

export type StaticResult =
  /** A number in the path is an index of an array. */
  | { readonly kind: 'path'; readonly root: string; readonly path: readonly (string | number)[] }
  | { readonly kind: 'type'; readonly type: 'boolean' | 'integer' | 'number' | 'string' | 'null' }
  | { readonly kind: 'unknown' };

const UNKNOWN: StaticResult = { kind: 'unknown' };

/** Operators and functions that give this type, or fail. */
const BOOLEAN = new Set([
  ...['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_', '_&&_', '_||_', '!_', '@in'],
  ...['startsWith', 'endsWith', 'contains', 'matches'],
]);

/** Most expressions by far; parsing thousands takes a second. */
const PLAIN_PATH = /^\s*((?:input|vars|nodes|item|last|event)(?:\.[A-Za-z_]\w*)*)\s*$/;

export function staticResultOf(source: string): StaticResult {
  const [root, ...members] = PLAIN_PATH.exec(source)?.[1]?.split('.') ?? [];
  if (root !== undefined) return { kind: 'path', root, path: members };
  return compiledInParts(
    `static ${source}`,
    () => source.length,
    () => readStatically(source),
  );
}

function readStatically(source: string): StaticResult {
  const expr = plainTreeOf(source)?.expr;
  return expr === undefined ? UNKNOWN : staticResultOfTree(expr);
}

/** The same, of a part of an expression. */
export function staticResultOfTree(expr: Expr): StaticResult {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'constExpr':
      return constantOf(exprKind.value.constantKind.case);
    case 'identExpr':
      return { kind: 'path', root: exprKind.value.name, path: [] };
    case 'selectExpr':
      return exprKind.value.testOnly ? { kind: 'type', type: 'boolean' } : pathOf(expr);
    case 'callExpr': {
      const { function: name } = exprKind.value;
      if (name === '_[_]') return pathOf(expr);
      if (BOOLEAN.has(name)) return { kind: 'type', type: 'boolean' };
      return name === 'size' ? { kind: 'type', type: 'integer' } : UNKNOWN;
    }
    default:
      return UNKNOWN;
  }
}

function constantOf(kind: string | undefined): StaticResult {
  switch (kind) {
    case 'boolValue':
      return { kind: 'type', type: 'boolean' };
    case 'stringValue':
      return { kind: 'type', type: 'string' };
    case 'nullValue':
      return { kind: 'type', type: 'null' };
    case 'int64Value':
    case 'uint64Value':
      return { kind: 'type', type: 'integer' };
    case 'doubleValue':
      return { kind: 'type', type: 'number' };
    default:
      return UNKNOWN;
  }
}

/** Iterative: an expression may be a long chain of members. */
function pathOf(expr: Expr): StaticResult {
  const members: (string | number)[] = [];
  let at: Expr | undefined = expr;
  while (at !== undefined) {
    const { exprKind }: Expr = at;
    if (exprKind.case === 'identExpr') return { kind: 'path', root: exprKind.value.name, path: members.reverse() };
    if (exprKind.case === 'selectExpr' && !exprKind.value.testOnly) {
      members.push(exprKind.value.field);
      at = exprKind.value.operand;
    } else if (exprKind.case === 'callExpr' && exprKind.value.function === '_[_]') {
      const [operand, key]: Expr[] = exprKind.value.args;
      const member = key === undefined ? null : keyOf(key);
      if (member === null) return UNKNOWN;
      members.push(member);
      at = operand;
    } else return UNKNOWN;
  }
  return UNKNOWN;
}

function keyOf({ exprKind }: Expr): string | number | null {
  if (exprKind.case !== 'constExpr') return null;
  const { constantKind } = exprKind.value;
  if (constantKind.case === 'stringValue') return constantKind.value;
  return constantKind.case === 'int64Value' ? Number(constantKind.value) : null;
}
