/** The no-op task of the benchmarks: returns its input. */
import { defineTask } from '../../src/worker/index.ts';

export const pass = defineTask({ name: 'bench.pass', run: (input) => input });
