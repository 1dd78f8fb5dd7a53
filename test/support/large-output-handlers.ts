/** A handler that gives the largest outputs that there are, and larger ones: the input names the shape. */
import type { Json } from '../../src/core/json.ts';
import { defineTask } from '../../src/worker/index.ts';

const MIB = 1_048_576;
const items = (count: number): Json => new Array<Json>(count).fill(1);

/** Those that are taken, at their limits. */
export const allowedOutputs: Readonly<Record<string, () => Json>> = {
  text: () => 'x'.repeat(4 * MIB - 2),
  escapes: () => '"\\'.repeat(MIB - 1),
  wide: () => '€'.repeat((4 * MIB - 2) / 3),
  items: () => items(99_998),
  members: () => Object.fromEntries(Array.from({ length: 24_500 }, (_, n) => [`${'k'.repeat(40)}${n}`, n])),
};

/** Those that are above one. */
export const refusedOutputs: Readonly<Record<string, () => Json>> = {
  text: () => 'x'.repeat(4 * MIB),
  items: () => items(1_000_000),
  members: () => Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`k${n}`, n])),
  text16: () => 'x'.repeat(16 * MIB),
};

export const give = defineTask({
  name: 'hostile.give',
  queue: 'hostile-large',
  run: (input) => {
    const { allowed, refused } = input as { readonly allowed?: string; readonly refused?: string };
    return allowedOutputs[allowed ?? '']?.() ?? refusedOutputs[refused ?? '']?.();
  },
});
