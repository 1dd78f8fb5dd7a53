/** The no-op task of the benchmarks: gives back what it got. */
import { defineTask } from '../../src/worker/index.ts';

export const pass = defineTask({ name: 'bench.pass', run: (input) => input });
