/** `matches`, by RE2, whose time is bounded by the length of the text times the size of the pattern's program. */
import type { CelFunc, CelValue } from '@bufbuild/cel';
import { expandedSize, re2Program } from '../../regular-expression.ts';
import { charge } from '../evaluation.ts';
import { failure, notApplicable } from '../failure.ts';
import { type CelOutcome, guarded } from './guard.ts';

/** Steps of the program that one unit pays for. */
const STEPS_PER_UNIT = 64;

/** For a constant pattern, which was compiled at deploy: only the matching is charged. */
export const CONSTANT_MATCHES = 'matches, constant pattern';

/** What is wrong with a pattern that stands in the source; null when nothing is. */
export function patternError(pattern: string): string | null {
  return re2Program(pattern) === null ? 'The pattern of `matches` is too large, or is not a regular expression of RE2' : null;
}

function matchText(id: number, text: CelValue | undefined, pattern: CelValue | undefined, isConstant: boolean): CelOutcome {
  if (typeof text !== 'string' || typeof pattern !== 'string')
    return notApplicable(
      id,
      'matches',
      [text, pattern].filter((value) => value !== undefined),
    );
  // Charged also when the program is in the cache, so that the cost does not depend on what ran before.
  if (!isConstant) charge(pattern.length + expandedSize(pattern));
  const program = re2Program(pattern);
  if (program === null) return failure(id, '`matches` was given a pattern that is too large, or that is not a regular expression of RE2');
  charge(1 + Math.ceil(((text.length + 1) * program.programSize()) / STEPS_PER_UNIT));
  return program.test(text);
}

function matches(name: string, isConstant: boolean): CelFunc {
  return guarded(name, (id, target, args) => {
    const [text, pattern] = target === undefined ? args : [target, ...args];
    return matchText(id, text, pattern, isConstant);
  });
}

export const matching: readonly CelFunc[] = [matches('matches', false), matches(CONSTANT_MATCHES, true)];
