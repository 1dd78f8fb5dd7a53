/** What is stored of state and history, put back, is what was stored: over random lives of instances. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import { statusOf } from '../../core/instance/index.ts';
import { tasksOf } from '../../core/instance/state/scopes.ts';
import { type InstanceState, isOpen } from '../../core/instance/state/state.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { toEnd } from '../../core/parts.ts';
import { restoreHistory, seqsOfHistory, storeHistory } from './history.ts';
import { type Payloads, payloadsText, readPayloadsInto } from './payloads.ts';
import { readState, type WrittenState } from './short-form.ts';
import { entriesText, longEntries, type WrittenEntry } from './short-history.ts';
import { restoreState, seqsOfState, stateText } from './state.ts';
import { outputSeqOf } from './task-images.ts';

const http = (retries: number, more: JsonObject = {}) => ({
  ...{ type: 'http', method: 'POST', url: 'http://127.0.0.1/', body: { seen: '${ vars.n }' } },
  retry: { maxAttempts: retries, initial: '1s', max: '1s' },
  ...more,
});

const document: JsonObject = {
  id: 'lives',
  vars: { n: 0 },
  nodes: {
    first: { type: 'transform', output: { given: '${ input }' }, set: { n: '${ vars.n + 1 }' } },
    constructor: http(1),
    work: http(2),
    task: { type: 'task', task: 'handle', input: { n: '${ vars.n }' }, retry: { maxAttempts: 1 } },
    look: { type: 'human', title: 'Look', assignees: { users: ['ada'] }, reminder: '1h', timeout: '2h', form: { type: 'object' } },
    hear: { type: 'event', event: 'e', key: 'k', count: 2, timeout: '1h' },
    nap: { type: 'wait', for: '1m' },
    last: { type: 'transform', output: { all: '${ nodes.work.output }' }, join: 'any' },
  },
  edges: [
    ...['constructor', 'work', 'task', 'look', 'hear', 'nap'].map((to) => ({ from: 'first', to })),
    ...['work', 'task', 'look', 'nap'].map((from) => ({ from, to: 'last' })),
    { from: 'look', to: 'last', on: 'any' },
  ],
  output: { n: '${ vars.n }', last: '${ nodes.last.output }' },
};

/** What the database holds, as texts. */
class Rows {
  readonly batches: { readonly entries: string; readonly payloads: string | null }[] = [];
  state = '';
  outputSeq: number | null = null;

  apply(after: InstanceState, history: readonly HistoryEntry[]): void {
    const payloads = new Map<number, Json>();
    const entries = toEnd(entriesText(storeHistory(history, payloads)));
    this.batches.push({ entries, payloads: payloadsText(payloads) });
    this.outputSeq = outputSeqOf(history) ?? this.outputSeq;
    this.state = stateText(after);
  }

  /** Those of these entries and no others. */
  payloads(seqs: readonly number[]): Payloads {
    const all = new Map<number, Json>();
    for (const { payloads } of this.batches) if (payloads !== null) readPayloadsInto(all, JSON.parse(payloads) as JsonObject);
    return new Map([...all].filter(([seq]) => seqs.includes(seq)));
  }

  wholeState(instanceId: InstanceId): InstanceState {
    const stored = readState(JSON.parse(this.state) as WrittenState);
    return restoreState(instanceId, stored, this.outputSeq, this.payloads(seqsOfState(stored, this.outputSeq)), []);
  }

  history(from: number, to: number): HistoryEntry[] {
    const entries = this.batches.flatMap((batch) => longEntries(JSON.parse(batch.entries) as WrittenEntry[])).slice(from, to);
    return restoreHistory(entries, this.payloads(seqsOfHistory(entries)));
  }
}

/** As JSON writes it: nothing that is parsed holds a negative zero. */
const json = (maxDepth: number) => fc.jsonValue({ maxDepth }).map((value) => JSON.parse(JSON.stringify(value)) as Json);

type Move = { readonly kind: number; readonly pick: number; readonly value: Json };
const moves = fc.array(fc.record({ kind: fc.nat(11), pick: fc.nat(), value: json(2) as fc.Arbitrary<Json> }), {
  maxLength: 40,
});

/** Something that may happen now; undefined when it cannot. */
function move(scenario: Scenario, { kind, pick, value }: Move): (() => void) | undefined {
  const pickOf = <T>(items: readonly T[]): T | undefined => items[pick % Math.max(1, items.length)];
  const open = tasksOf(scenario.state).filter(isOpen);
  const scheduled = pickOf(open.filter(({ status }) => status === 'scheduled'))?.path;
  switch (kind) {
    case 0:
    case 1:
      return scheduled && (() => scenario.completes(scheduled, value));
    case 2:
    case 3:
      return scheduled && (() => scenario.fails(scheduled, 'BROKEN', { retryable: pick % 2 === 0 }));
    case 4:
      return scheduled && (() => scenario.send(scenario.outcome(scheduled, { status: 'returned' })));
    case 5: {
      const path = pickOf(open.filter(({ type }) => type === 'human'))?.path;
      return path && (() => scenario.approves(path, value));
    }
    case 6: {
      const path = pickOf(open.filter(({ type }) => type === 'event'))?.path;
      return path && (() => scenario.event(path, { id: String(pick), source: 's', data: value }));
    }
    case 7: {
      const timer = pickOf(Object.entries(scenario.timers).filter(([, { state }]) => state === 'armed'))?.[0];
      return timer === undefined ? undefined : () => scenario.timer(timer);
    }
    case 8: {
      const path = pickOf(Object.keys(scenario.incidents));
      return path === undefined ? undefined : () => scenario.command({ type: 'retry', path: path === '' ? null : (path as TaskPath) });
    }
    case 9:
      return () => scenario.command({ type: scenario.state.paused === null ? 'pause' : 'resume' });
    case 10:
      return () => scenario.command({ type: 'retry', path: null });
    default:
      return pick % 10 === 0 ? () => scenario.command({ type: 'cancel', reason: null }) : undefined;
  }
}

describe('stored state and history', () => {
  it('come back as they were, whole and in parts', { timeout: 120_000 }, () => {
    const statuses = new Set<string>();
    fc.assert(
      fc.property(json(2), moves, fc.integer({ min: 1, max: 4 }), (input, steps, batch) => {
        const scenario = new Scenario(document, input);
        const rows = new Rows();
        let written = 0;
        const write = (): void => {
          rows.apply(scenario.state, scenario.history.slice(written));
          written = scenario.history.length;
        };
        write();
        for (const [index, each] of steps.entries()) {
          move(scenario, each)?.();
          // Several steps in one transaction: a row shows only the last image of a task.
          if (index % batch === 0) write();
        }
        write();
        statuses.add(statusOf(scenario.state));

        const { state, history } = scenario;
        expect(rows.wholeState(state.instanceId)).toEqual(state);
        expect(rows.history(0, history.length)).toEqual(history);
        const middle = Math.ceil(history.length / 2);
        expect(rows.history(middle, history.length)).toEqual(history.slice(middle));
      }),
      { numRuns: 500 },
    );
    expect([...statuses]).toEqual(expect.arrayContaining(['running', 'paused', 'incident']));
  });

  it('hold every payload once: inputs, outputs, retries of the same input and the events of a wait', () => {
    const secret = (n: number) => `only once ${n}`;
    const nodes = {
      work: { type: 'task', task: 'handle', input: '${ input }', retry: { maxAttempts: 1 } },
      hear: { type: 'event', event: 'e', key: 'k', count: 2 },
    };
    const scenario = new Scenario({ id: 'once', nodes, edges: [] }, 'input');
    const rows = new Rows();
    scenario.fails('work').command({ type: 'retry', path: null }).completes('work', secret(0));
    for (const n of [1, 2]) scenario.event('hear', { id: String(n), source: 's', data: secret(n) });
    rows.apply(scenario.state, scenario.history);
    const text = rows.state + rows.batches.map(({ entries, payloads }) => entries + payloads).join('');
    for (const n of [0, 1, 2]) expect(text.split(secret(n))).toHaveLength(2);
    // What a node was given stands beside what the instance was given, and once for both of its attempts.
    expect(text.split('"input"').length - 1).toBe(2);
    expect(rows.history(0, scenario.history.length)).toEqual(scenario.history);
    expect(rows.wholeState(scenario.state.instanceId)).toEqual(scenario.state);
  });
});
