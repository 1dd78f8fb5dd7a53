/** Whatever becomes of random instances, what REST shows of them is what its schemas promise. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDefinition } from '../core/definition/index.ts';
import { statusOf } from '../core/instance/index.ts';
import { isOpen } from '../core/instance/state.ts';
import { document, input } from '../core/instance/testing/arbitraries.ts';
import { Chance, World } from '../core/instance/testing/world.ts';
import { toHistoryEntry, toInstance } from './instance-view.ts';
import { HistoryEntry, Instance } from './wire/instances.ts';

const ajv = new Ajv({ strict: false, validateFormats: false });
const [isInstance, isEntry] = [ajv.compile(Instance), ajv.compile(HistoryEntry)];
const numbers = fc.array(fc.nat({ max: 1 << 20 }), { minLength: 20, maxLength: 100, size: 'max' });

it('an instance and its history are as documented after every step, and whatever is open says what it waits for', () => {
  fc.assert(
    fc.property(document, input, numbers, (deployed, given, chances) => {
      const parsed = parseDefinition(deployed, { version: 1 });
      if (!parsed.ok) throw new Error(`the generator made a faulty document: ${JSON.stringify(parsed.error)}`);
      const world = new World(parsed.value, given);
      const chance = new Chance(chances);
      while (!chance.isUsedUp && world.state.phase === 'running') world.act(chance);
      world.finish();
      for (const { result } of world.steps) {
        const { state, history } = result;
        const { instanceId, definitionId, definitionVersion, businessKey, startedAt: createdAt, updatedAt } = state;
        const row = { instanceId, definitionId, definitionVersion, businessKey, status: statusOf(state), createdAt, updatedAt };
        const view = toInstance({ row, version: 1, state, pending: [] });
        expect(isInstance(JSON.parse(JSON.stringify(view))), ajv.errorsText(isInstance.errors)).toBe(true);
        const open = Object.values(state.tasks)
          .filter(isOpen)
          .map(({ nodeId }) => String(nodeId));
        const incidents = Object.values(state.incidents).map(({ nodeId }) => String(nodeId));
        expect(view.open.map(({ nodeId }) => String(nodeId)).sort()).toEqual([...new Set([...open, ...incidents])].sort());
        for (const entry of history) {
          expect(isEntry(JSON.parse(JSON.stringify(toHistoryEntry(instanceId, entry)))), ajv.errorsText(isEntry.errors)).toBe(true);
        }
      }
    }),
  );
});
