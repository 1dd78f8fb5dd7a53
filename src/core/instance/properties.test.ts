/**
 * Random definitions × random schedules: outcomes twice, late and in any order, timers, events, people, pauses, commands,
 * batches. What is checked after each step stands in testing/world.ts. A failure prints its seed and the path to it:
 * `fc.assert(…, { seed, path })` runs that one again, and what it found becomes a named test.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { definitionOf } from '../../../test/support/scenario.ts';
import { document, input, numbers } from './testing/arbitraries.ts';
import { smallSteps, World } from './testing/world.ts';

/** Each compiled definition runs on several schedules: compiling costs more than running. */
const SCHEDULES = 10;
/** Before a release, or after a change of the core, some ten thousand: a rare error shows in one of several thousand. */
const DEFINITIONS = Number(process.env.MILLRACE_TEST_DEFINITIONS ?? 1_000);

const schedule = fc.record({ input, chances: numbers(20, 300) });

it('every schedule of every definition keeps what must hold always', { timeout: Math.max(900_000, DEFINITIONS * 100) }, () => {
  const ends = new Map<string, number>();
  fc.assert(
    fc.property(document, fc.array(schedule, { minLength: SCHEDULES, maxLength: SCHEDULES }), (deployed, schedules) => {
      const definition = definitionOf(deployed);
      for (const [index, { input: given, chances }] of schedules.entries()) {
        const world = new World(definition, given, undefined, index % 4 === 3 ? smallSteps : undefined);
        world.run(chances);
        ends.set(world.state.phase, (ends.get(world.state.phase) ?? 0) + 1);
      }
    }),
    // Shrinking takes minutes. It is for whoever looks into a failure, with the seed and the path of it.
    { numRuns: DEFINITIONS, endOnFailure: process.env.CI === 'true' },
  );
  // Runs that all end alike would show little.
  for (const phase of ['completed', 'failed', 'cancelled'])
    expect(ends.get(phase) ?? 0, phase).toBeGreaterThan(Math.min(100, DEFINITIONS / 4));
});
