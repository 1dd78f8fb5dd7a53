/** Definitions that are dear to run, and how they are written. */
import type { Json } from '../../src/core/json.ts';

/** After an event, so that the orchestrator decides it, and not the API. */
export const behindAnEvent = (id: string, nodes: Readonly<Record<string, Json>>): Json => ({
  id,
  nodes: { go: { type: 'event', event: 'hostile.go', key: '${ input.key }' }, ...nodes },
  edges: Object.keys(nodes).map((name) => ({ from: 'go', to: name })),
});

export const many = (count: number, node: Json): Readonly<Record<string, Json>> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, node]));

export const transform = (output: string): Json => ({ type: 'transform', output });

/** A tenth of a second of work on the data below. */
const dear = (data: string): string => `${data}.k.all(a, ${data}.k.all(b, b >= 0))`;
const refusal = `${dear('event.data')} && false`;
const wait = (where: string): Json => ({ type: 'event', event: 'hostile.dear', key: 'k', where });

export const dearData: Json = { k: Array.from({ length: 280 }, (_, n) => n) };
export const dearStarts = Array.from({ length: 15 }, (_, n) => `dear-start-${n}`);

/** All that one event with that data asks and starts. */
export const dearEvents: readonly Json[] = [
  { id: 'dear-waits', nodes: many(30, wait(dear('event.data'))) },
  { id: 'dear-refusals', nodes: many(30, wait(refusal)) },
  {
    id: 'dear-triggers',
    triggers: Array.from({ length: 20 }, (_, n) => ({ name: `t${n}`, event: 'hostile.dear', when: refusal })),
    nodes: { a: transform('${ 1 }') },
  },
  ...dearStarts.map((id) => ({
    id,
    triggers: [{ event: 'hostile.dear', input: '${ event.data }' }],
    nodes: { a: transform(`\${ ${dear('input')} }`) },
  })),
];
