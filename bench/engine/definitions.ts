/** The definitions of the loads, and the 256 bytes of input that every one of them passes on. */
import type { Json } from '../../src/core/json.ts';

/** 256 bytes as JSON. */
export const input: Json = { pad: 'x'.repeat(246) };

export type Document = { readonly id: string; readonly [field: string]: Json };

const pass = (from: string): Json => ({ type: 'task', task: 'bench.pass', input: `\${ ${from} }` });

/** `steps` tasks in sequence, each of which gets what the one before gave. */
export function sequence(steps: number, isContinued: boolean): Document {
  const ids = Array.from({ length: steps }, (_, n) => `n${n}`);
  return {
    id: sequenceId(steps, isContinued),
    continuation: isContinued,
    nodes: Object.fromEntries(ids.map((id, n) => [id, pass(n === 0 ? 'input' : `nodes.n${n - 1}.output`)])),
    edges: ids.slice(1).map((to, n) => ({ from: `n${n}`, to })),
  };
}

export function sequenceId(steps: number, isContinued: boolean): string {
  return `bench-${steps}${isContinued ? '-continued' : ''}`;
}

/** One task, then `branches` of them beside each other, then one that waits for all. */
export function fanOut(branches: number): Document {
  const ids = Array.from({ length: branches }, (_, n) => `b${n}`);
  return {
    id: `bench-join-${branches}`,
    nodes: { first: pass('input'), ...Object.fromEntries(ids.map((id) => [id, pass('input')])), last: pass('input') },
    edges: ids.flatMap((id) => [
      { from: 'first', to: id },
      { from: id, to: 'last' },
    ]),
  };
}

export const eventType = 'bench.signal';

/** Waits for `events` events of its key one after the other, and runs a task after each. */
export function parked(events: number): Document {
  const numbers = Array.from({ length: events }, (_, n) => n);
  return {
    id: 'bench-parked',
    nodes: Object.fromEntries(
      numbers.flatMap((n) => [
        [`wait${n}`, { type: 'event', event: eventType, key: '${ input.key }' }],
        [`then${n}`, pass(`nodes.wait${n}.output.data`)],
      ]),
    ),
    edges: numbers.flatMap((n) => [
      { from: `wait${n}`, to: `then${n}` },
      ...(n + 1 < events ? [{ from: `then${n}`, to: `wait${n + 1}` }] : []),
    ]),
  };
}

/** Waits until the time that its input names, then ends. */
export const timer: Document = {
  id: 'bench-timer',
  nodes: { until: { type: 'wait', until: '${ input.until }' } },
  edges: [],
};

/** Waits for so long that no benchmark sees its end. */
export const asleep: Document = {
  id: 'bench-asleep',
  nodes: { first: pass('input'), sleep: { type: 'wait', for: '30d' } },
  edges: [{ from: 'first', to: 'sleep' }],
};
