/**
 * Any definition can be simulated: whatever its work does, the history folds to the state, and the instance waits only for people,
 * events and time.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsed } from '../core/definition/testing/documents.ts';
import { fold } from '../core/instance/index.ts';
import { tasksOf } from '../core/instance/state/scopes.ts';
import { isOpen } from '../core/instance/state/state.ts';
import { document, input } from '../core/instance/testing/arbitraries.ts';
import type { Mocks, Outcome } from './format.ts';
import { Simulation, simulatedInstanceId, stepsMaxDefault } from './simulation.ts';

const runs = Number(process.env.MILLRACE_TEST_DEFINITIONS ?? 50);

const outcome: fc.Arbitrary<Outcome> = fc.constantFrom<Outcome>(
  { output: 1 },
  { output: { n: 2 }, after: '3s' },
  { fails: { code: 'BUSY' } },
  { fails: { code: 'FATAL', retryable: false } },
  { timesOut: true },
);

it('random definitions with random outcomes', () => {
  fc.assert(
    fc.property(document, input, fc.array(outcome, { minLength: 1, maxLength: 3 }), (json, given, outcomes) => {
      const definition = parsed(json);
      const mocks: Mocks = Object.fromEntries([...definition.nodes.keys()].map((id) => [id, outcomes]));
      const beginning = {
        definition,
        input: given,
        businessKey: null,
        startedBy: 'tester',
        startAt: 0,
        clock: 'auto',
        mocks,
        stepsMax: stepsMaxDefault,
        versions: new Map(),
      } as const;
      const started = Simulation.start(beginning);
      if (!started.ok) throw new Error(JSON.stringify(started.error));
      const simulation = started.value;
      const isWaited = (): readonly string[] =>
        tasksOf(simulation.state)
          .filter(isOpen)
          .map(({ status }) => status);
      expect(isWaited().filter((status) => status !== 'open')).toEqual([]);
      for (const n of [1, 10, 11])
        simulation.receive({ type: 'paid', key: 'k', source: 'bank', data: { n }, id: `paid-${n}`, time: simulation.now });
      simulation.advanceTo(Date.parse('2031-01-01T00:00:00Z'));
      simulation.command({ type: 'retry', path: null }, 'ada');
      expect(isWaited().filter((status) => status !== 'open')).toEqual([]);
      expect(fold(simulatedInstanceId, simulation.history)).toEqual(simulation.state);
    }),
    { numRuns: runs },
  );
});
