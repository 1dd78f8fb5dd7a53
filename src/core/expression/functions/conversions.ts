/** Conversions from text, stricter than the library's: `double("")` is an error there as it is in CEL's specification. */
import type { CelFunc } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { failure } from '../failure.ts';
import { callLibrary, chargeTouch, guarded } from './guard.ts';

const WHOLE = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** Longer than any number that fits. */
const DIGITS_MAX = 400;

function fromText(name: string, shape: RegExp): CelFunc {
  return guarded(name, (id, target, args) => {
    const [text] = args;
    if (typeof text !== 'string') {
      charge(1);
      return callLibrary(name, id, target, args);
    }
    chargeTouch(args);
    if (text.length > DIGITS_MAX || !shape.test(text)) return failure(id, `\`${name}\` was given a text that is no number`);
    return callLibrary(name, id, target, args);
  });
}

export const conversions: readonly CelFunc[] = [fromText('int', WHOLE), fromText('uint', WHOLE), fromText('double', DECIMAL)];
