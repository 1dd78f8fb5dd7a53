/** `list.sortBy(x, key)` and `list.groupBy(x, key)`: the key is computed for each element, as in `map`. */
import type { parse } from '@bufbuild/cel';
import { GROUP_BY, SORT_BY } from './functions/lists.ts';

type Expr = NonNullable<ReturnType<typeof parse>['expr']>;
type Kind = Expr['exprKind'];

const KEYED: ReadonlyMap<string, string> = new Map([
  ['sortBy', SORT_BY],
  ['groupBy', GROUP_BY],
]);

/** The accumulator's name in comprehensions of the library; no source can write it. */
const RESULT = '@result';

export type KeyedCall = { readonly name: string; readonly pairs: Expr };

/** @returns the function to call with a list of pairs of element and key; null when this is no such call. */
export function keyedCall(expr: Expr): KeyedCall | null {
  if (expr.exprKind.case !== 'callExpr') return null;
  const { function: name, target, args } = expr.exprKind.value;
  const [variable, key] = args;
  const keyed = KEYED.get(name);
  if (keyed === undefined || target === undefined || args.length !== 2 || key === undefined) return null;
  if (variable?.exprKind.case !== 'identExpr') return null;
  return { name: keyed, pairs: pairsOf(expr, target, variable.exprKind.value.name, variable, key) };
}

function pairsOf(at: Expr, list: Expr, iterVar: string, element: Expr, key: Expr): Expr {
  const into = (exprKind: Kind): Expr => ({ $typeName: 'cel.expr.Expr', id: at.id, exprKind });
  const listOf = (elements: Expr[]): Expr =>
    into({ case: 'listExpr', value: { $typeName: 'cel.expr.Expr.CreateList', elements, optionalIndices: [] } });
  const result = into({ case: 'identExpr', value: { $typeName: 'cel.expr.Expr.Ident', name: RESULT } });
  const step = listOf([listOf([element, key])]);
  return into({
    case: 'comprehensionExpr',
    value: {
      $typeName: 'cel.expr.Expr.Comprehension',
      iterVar,
      iterVar2: '',
      iterRange: list,
      accuVar: RESULT,
      accuInit: listOf([]),
      loopCondition: into({
        case: 'constExpr',
        value: { $typeName: 'cel.expr.Constant', constantKind: { case: 'boolValue', value: true } },
      }),
      loopStep: into({ case: 'callExpr', value: { $typeName: 'cel.expr.Expr.Call', function: '_+_', args: [result, step] } }),
      result,
    },
  });
}
