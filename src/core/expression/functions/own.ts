/** Helpers to define functions that CEL does not have: name, numbers of arguments, and implementation. */
import type { CelError, CelFunc, CelList, CelValue } from '@bufbuild/cel';
import { isCelList } from '@bufbuild/cel';
import { failure, notApplicable } from '../failure.ts';
import { type Call, type CelOutcome, guarded } from './guard.ts';

/** `counts` are the numbers of arguments that it takes. */
export type OwnFunction = {
  readonly name: string;
  readonly isMethod: boolean;
  readonly counts: readonly number[];
  readonly func: CelFunc;
};

/** `name(…)`, where the name may have a dot: `url.encode(…)`. */
export function ownFunction(name: string, counts: readonly number[], call: (id: number, args: CelValue[]) => CelOutcome): OwnFunction {
  return { name, isMethod: false, counts, func: guarded(name, (id, _target, args) => call(id, args)) };
}

/** `value.name(…)`. */
export function ownMethod(name: string, counts: readonly number[], call: Call): OwnFunction {
  return { name, isMethod: true, counts, func: guarded(name, call) };
}

/** `list.name(…)`. */
export function listMethod(
  name: string,
  counts: readonly number[],
  call: (id: number, list: CelList, args: CelValue[]) => CelOutcome,
): OwnFunction {
  return ownMethod(name, counts, (id, target, args) => {
    if (target !== undefined && isCelList(target)) return call(id, target, args);
    return notApplicable(id, name, target === undefined ? args : [target, ...args]);
  });
}

/** @param what completes "takes …". */
export function unfit(id: number, name: string, what: string): CelError {
  return failure(id, `\`${name}\` takes ${what}`);
}
