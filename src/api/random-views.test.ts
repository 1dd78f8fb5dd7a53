/** Whatever becomes of random instances, what REST shows of them is what its schemas promise. */

import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { definitionOf } from '../../test/support/scenario.ts';
import { HistoryEntry, Instance } from '../contract/instances.ts';
import { statusOf } from '../core/instance/index.ts';
import { awaitedWork, incidentsOf, tasksOf } from '../core/instance/state/scopes.ts';
import { isOpen } from '../core/instance/state/state.ts';
import { document, input, numbers } from '../core/instance/testing/arbitraries.ts';
import { World } from '../core/instance/testing/world.ts';
import { toHistoryEntry, toInstance } from './instance-view.ts';

const ajv = new Ajv({ strict: false, validateFormats: false });
const [isInstance, isEntry] = [ajv.compile(Instance), ajv.compile(HistoryEntry)];

it('an instance and its history are as documented after every step, and whatever is open says what it waits for', () => {
  fc.assert(
    fc.property(document, input, numbers(20, 100), (deployed, given, chances) => {
      const world = new World(definitionOf(deployed), given);
      world.run(chances);
      for (const { result } of world.steps) {
        const { state, history } = result;
        const { instanceId, definitionId, definitionVersion, businessKey, startedAt: createdAt, updatedAt } = state;
        const row = { instanceId, definitionId, definitionVersion, businessKey, status: statusOf(state), createdAt, updatedAt };
        const view = toInstance({ row, version: 1, state, pending: [] }, null);
        expect(isInstance(JSON.parse(JSON.stringify(view))), ajv.errorsText(isInstance.errors)).toBe(true);
        const open = tasksOf(state)
          .filter(isOpen)
          .map(({ path }) => `${instanceId}.${path}`);
        if (state.phase === 'ending') open.push(...awaitedWork(state).map(({ path }) => `${instanceId}.${path}`));
        const incidents = Object.keys(incidentsOf(state)).map((path) => (path === '' ? 'null' : `${instanceId}.${path}`));
        expect(view.open.map(({ taskId }) => String(taskId)).sort()).toEqual([...new Set([...open, ...incidents])].sort());
        for (const entry of history) {
          expect(isEntry(JSON.parse(JSON.stringify(toHistoryEntry(instanceId, entry, null)))), ajv.errorsText(isEntry.errors)).toBe(true);
        }
      }
    }),
  );
});
