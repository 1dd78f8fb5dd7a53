/** Nothing stalls silently: whatever the store refuses, an instance waits for something that will come, or says that it does not. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { definitionOf } from '../../../test/support/scenario.ts';
import { incidentsOf } from '../../core/instance/state/scopes.ts';
import { hasEnded } from '../../core/instance/state/state.ts';
import { document, input, numbers } from '../../core/instance/testing/arbitraries.ts';
import { Chance } from '../../core/instance/testing/chance.ts';
import { RefusingStore } from '../testing/refusing-store.ts';

/** Rounded: fast-check never ends for a fraction. */
const DEFINITIONS = Math.ceil(Number(process.env.MILLRACE_TEST_DEFINITIONS ?? 1_000) / 4);

it('leaves no open task without a message in flight, a timer, a subscription or an incident', { timeout: 600_000 }, async () => {
  let unapplied = 0;
  await fc.assert(
    fc.asyncProperty(document, input, numbers(20, 200), async (deployed, given, chances) => {
      const instance = new RefusingStore(definitionOf(deployed), given);
      const chance = new Chance(chances);
      while (!chance.isUsedUp && !hasEnded(instance.state)) {
        await instance.act(chance);
        expect(instance.stalled).toEqual([]);
      }
      await instance.finish();
      expect(instance.stalled).toEqual([]);
      // An expression that always fails stays under incident; a notification that failed once does not.
      const phases = Object.values(incidentsOf(instance.state)).map(({ phase }) => phase);
      expect(phases).not.toContain('message');
      unapplied += instance.unapplied;
    }),
    { numRuns: DEFINITIONS },
  );
  expect(unapplied).toBeGreaterThan(DEFINITIONS / 2);
});
