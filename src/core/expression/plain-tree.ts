/** Trees of expressions, for what looks at them without running them. */
import { parse } from '@bufbuild/cel';
import { takeOptionalSyntax } from './optional-syntax.ts';

export type PlainTree = Pick<ReturnType<typeof parse>, 'expr' | 'sourceInfo'>;

/** null: it has optional syntax, whose values nothing is known of, or it cannot be parsed, which whoever compiles it says. */
export function plainTreeOf(source: string): PlainTree | null {
  const { source: plain, marks } = takeOptionalSyntax(source);
  if (marks.size > 0) return null;
  try {
    return parse(plain);
  } catch {
    return null;
  }
}
