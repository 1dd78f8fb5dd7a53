/** Conversions as CEL's specification has them: the library takes `double("")`, and milliseconds for a timestamp. */
import type { CelFunc } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { failure } from '../failure.ts';
import { callLibrary, chargeTouch, guarded } from './guard.ts';

const WHOLE = /^[+-]?\d+$/;
const DECIMAL = /^(NaN|[+-]?(Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?))$/;
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
    if (text.length > DIGITS_MAX || !shape.test(text)) return failure(id, `\`${name}\` was given a string that is no number`);
    return callLibrary(name, id, target, args);
  });
}

/** An int counts the seconds since 1970, as `int(timestamp)` gives them. */
const timestamp = guarded('timestamp', (id, target, args) => {
  chargeTouch(args);
  const [given] = args;
  // RFC 3339 allows both cases, and so do schemas and `wait`.
  if (typeof given === 'string') return callLibrary('timestamp', id, target, [given.length > DIGITS_MAX ? given : given.toUpperCase()]);
  const isCount = typeof given === 'bigint' || (typeof given === 'number' && Number.isSafeInteger(given));
  return callLibrary('timestamp', id, target, isCount ? [BigInt(given) * 1_000n] : args);
});

export const conversions: readonly CelFunc[] = [fromText('int', WHOLE), fromText('uint', WHOLE), fromText('double', DECIMAL), timestamp];
