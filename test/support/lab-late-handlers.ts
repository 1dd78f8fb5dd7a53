/** A handler whose queue has no topic when its worker starts. */
import { defineTask } from '../../src/worker/index.ts';

export default [defineTask({ name: 'late', queue: 'late', run: () => 'at last' })];
