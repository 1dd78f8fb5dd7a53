/** Runs long work without holding the event loop: between its parts everything else goes on. */
import { setImmediate } from 'node:timers/promises';
import type { InParts } from '../core/parts.ts';

/** Many times within the 250 ms that are promised, also on a machine that is several times as slow. */
const HELD_MS_MAX = 20;

/** @returns at once where the work has one part only. Throws what the work throws. */
export function inTurns<T>(work: InParts<T>): T | Promise<T> {
  const first = work.next();
  return first.done === true ? first.value : goOn(work);
}

async function goOn<T>(work: InParts<T>): Promise<T> {
  for (let since = 0; ; ) {
    if (performance.now() - since > HELD_MS_MAX) {
      await setImmediate();
      since = performance.now();
    }
    const next = work.next();
    if (next.done === true) return next.value;
  }
}
