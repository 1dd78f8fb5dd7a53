/** `matches`, by RE2, whose time is bounded by the length of the text times the size of the pattern's program. */
import type { CelFunc, CelValue } from '@bufbuild/cel';
import { re2Program } from '../../regular-expression.ts';
import { charge } from '../evaluation.ts';
import { failure, notApplicable } from '../failure.ts';
import { type CelOutcome, guarded } from './guard.ts';

/** Steps of the program that one unit pays for. */
const STEPS_PER_UNIT = 64;
/** Units for a pattern that RE2 refuses: it may find out late. */
const REFUSED_UNITS = 5_000;
/** Instructions of one pattern that a deploy lets pass. */
const PROGRAM_SIZE_MAX = 10_000;

/** A pattern in the source: checked at deploy, and paid for by the text alone. */
export const CONSTANT_MATCHES = 'matches, constant pattern';

/** What is wrong with a pattern that stands in the source; null when nothing is. */
export function patternFault(pattern: string): string | null {
  const program = re2Program(pattern);
  if (program === null) return 'The pattern of `matches` is no regular expression that RE2 knows';
  return program.programSize() > PROGRAM_SIZE_MAX ? 'The pattern of `matches` is too large' : null;
}

function weigh(id: number, text: CelValue | undefined, pattern: CelValue | undefined, isConstant: boolean): CelOutcome {
  if (typeof text !== 'string' || typeof pattern !== 'string')
    return notApplicable(
      id,
      'matches',
      [text, pattern].filter((value) => value !== undefined),
    );
  if (!isConstant) charge(pattern.length);
  const program = re2Program(pattern);
  if (program === null) {
    charge(REFUSED_UNITS);
    return failure(id, '`matches` was given a pattern that RE2 does not know');
  }
  if (!isConstant) charge(program.programSize());
  charge(1 + Math.ceil(((text.length + 1) * program.programSize()) / STEPS_PER_UNIT));
  return program.test(text);
}

function matches(name: string, isConstant: boolean): CelFunc {
  return guarded(name, (id, target, args) => {
    const [text, pattern] = target === undefined ? args : [target, ...args];
    return weigh(id, text, pattern, isConstant);
  });
}

export const matching: readonly CelFunc[] = [matches('matches', false), matches(CONSTANT_MATCHES, true)];
