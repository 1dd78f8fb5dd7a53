/** Random definitions, randomly changed, and instances that move between their versions at any time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { definitionOf } from '../../../../test/support/scenario.ts';
import { parseDefinition } from '../../definition/index.ts';
import type { InstanceEvent } from '../history/events.ts';
import { document, input, numbers } from '../testing/arbitraries.ts';
import { Chance } from '../testing/chance.ts';
import { versions } from '../testing/changed-documents.ts';
import { smallSteps, World } from '../testing/world.ts';

const DEFINITIONS = Math.ceil(Number(process.env.MILLRACE_TEST_DEFINITIONS ?? 1_000) / 2);
const SCHEDULES = 5;

const schedule = fc.record({ input, chances: numbers(20, 200) });

it('an instance that moves to changed versions keeps what must hold always, and ends', { timeout: 900_000 }, () => {
  const count = { moved: 0, refused: 0 };
  fc.assert(
    fc.property(versions, fc.array(schedule, { minLength: SCHEDULES, maxLength: SCHEDULES }), (documents, schedules) => {
      const parsed = documents.map((each, index) => parseDefinition(each, { version: index + 1 }));
      const [first, ...others] = parsed.flatMap((each) => (each.ok ? [each.value] : []));
      if (first === undefined) return;
      for (const [index, { input: given, chances }] of schedules.entries()) {
        const world = new World(first, given, undefined, index % 3 === 2 ? smallSteps : undefined, others);
        world.run(chances);
        for (const { event } of world.history) {
          if (event.type === 'InstanceMigrated') count.moved++;
          if (event.type === 'CommandRefused' && event.code === 'MR_MIGRATION_REFUSED') count.refused++;
        }
      }
    }),
    { numRuns: DEFINITIONS, endOnFailure: process.env.CI === 'true' },
  );
  expect(count.moved).toBeGreaterThan(DEFINITIONS);
  expect(count.refused).toBeGreaterThan(DEFINITIONS);
});

it('an instance that moves to an equal version does what it would have done', { timeout: 900_000 }, () => {
  let moved = 0;
  fc.assert(
    fc.property(document, input, numbers(20, 200), fc.nat({ max: 20 }), (deployed, given, chances, when) => {
      const [first, second] = [definitionOf(deployed), definitionOf(deployed, 2)];
      const world = () => new World(first, given, undefined, undefined, [], false);
      const [stays, moves] = [world(), world()];
      const [chance, same] = [new Chance(chances), new Chance(chances)];
      for (let act = 0; !chance.isUsedUp && stays.state.endedAt === null; act++) {
        if (act === when && moves.state.phase === 'running') {
          expect(moves.migrate(second).rejected).toEqual([]);
          moved++;
        }
        stays.act(chance);
        moves.act(same);
      }
      expect(done(moves)).toEqual(done(stays));
    }),
    { numRuns: DEFINITIONS, endOnFailure: process.env.CI === 'true' },
  );
  expect(moved).toBeGreaterThan(DEFINITIONS / 4);
});

/**
 * What happened at each time, without what the move itself changes: its own entry, the hashes and the numbers behind it. What happens at
 * the same time may come in another order: a resume looks at every node of an instance that has moved, and at few of another.
 */
function done({ history }: World): unknown {
  const events = history.flatMap(({ event }) => (event.type === 'InstanceMigrated' ? [] : [withoutNumbers(event)]));
  const times = [...new Set(events.map(({ at }) => at))];
  return times.map((at) => events.filter((event) => event.at === at).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)));
}

/** Attempts in loops that run again count on from the length of the history. */
const numbered = ['basis', 'inputFrom', 'outputFrom', 'entry', 'childId', 'instanceId', 'attempt', 'firstAttempt'];
/** The id of a child, in the message of its error: the hash in it is made of the basis. */
const CHILD = /child [0-9a-f-]{36}/g;

function withoutNumbers(event: InstanceEvent): InstanceEvent {
  return JSON.parse(JSON.stringify(event, (key, value) => (numbered.includes(key) ? undefined : value)).replaceAll(CHILD, 'child'));
}
