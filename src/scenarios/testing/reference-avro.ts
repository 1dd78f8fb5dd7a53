/** Scenarios of the example of docs/definition.md that declares its types in Avro. */
import type { Scenario } from '../format.ts';
import type { Chosen } from './reference-scenarios.ts';

const id = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

export const avroScenarios: readonly (readonly [string, Chosen, Omit<Scenario, 'name'>])[] = [
  [
    'what fits the Avro that is declared goes on',
    'inspect',
    {
      input: { id, total: '1234.50', placedAt: 1_767_225_600_000 },
      mocks: { inspect: [{ output: { shelf: 3, colour: 'red', gift: null } }] },
      expect: {
        status: 'completed',
        nodes: { inspect: { inputContains: { isLarge: true } }, tell: { output: { id, note: null, priority: 'LOW' } } },
      },
    },
  ],
  [
    'an output that does not fit the Avro fails the node',
    'inspect',
    {
      input: { id, total: '1.00', placedAt: 0 },
      mocks: { inspect: [{ output: { shelf: 1.5 } }] },
      expect: { status: 'incident' },
    },
  ],
];
