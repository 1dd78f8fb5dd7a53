/** Patterns of schemas. Each match costs fuel. */
import { re2ProgramOfJavaScript } from '../regular-expression.ts';
import { spend } from './fuel.ts';

/** Instructions of a pattern. */
const PROGRAM_SIZE_MAX = 2_000;
/** Steps of a program that one unit of fuel pays for. */
const STEPS_PER_UNIT = 64;

type Pattern = {
  /** Instructions. */
  readonly size: number;
  test(text: string): boolean;
  toString(): string;
};

/** Null when RE2 refuses the pattern, or it is too large. */
export function compilePattern(pattern: string): Pattern | null {
  const program = re2ProgramOfJavaScript(pattern);
  const size = program?.programSize() ?? 0;
  if (program === null || size > PROGRAM_SIZE_MAX) return null;
  return {
    size,
    test: (text) => {
      spend(1 + (text.length * size) / STEPS_PER_UNIT);
      return program.test(text);
    },
    // The validator caches patterns by their string.
    toString: () => pattern,
  };
}
