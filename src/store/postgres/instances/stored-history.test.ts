/** What is stored of state and history, put back, is what was stored: over random lives of instances. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import type { TaskPath } from '../../../core/ids.ts';
import { statusOf } from '../../../core/instance/index.ts';
import { type InstanceState, isOpen } from '../../../core/instance/state.ts';
import type { HistoryEntry } from '../../../core/instance/step.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { restoreHistory, type StoredEntry } from './stored-history.ts';
import { restoreState, stateText } from './stored-state.ts';
import { TransitionRows } from './transition-rows.ts';

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

/** Rows as the statements leave them. */
class Rows {
  readonly tasks: Record<string, [Json, Json]> = Object.create(null) as Record<string, [Json, Json]>;
  readonly entries: StoredEntry[] = [];
  input: Json = null;
  output: Json = null;
  state = '';

  apply(before: InstanceState | null, after: InstanceState, history: readonly HistoryEntry[]): void {
    const rows = new TransitionRows();
    const { instanceId } = after;
    const { entries } = rows.add({ instanceId, partition: 0, before, expectedVersion: 0, after, history, effects: [], messages: [] });
    this.entries.push(...(JSON.parse(entries) as StoredEntry[]));
    const parse = (text: string | null): Json => (text === null ? null : (JSON.parse(text) as Json));
    for (const row of rows.newTasks) this.tasks[row.path] = [parse(row.input), parse(row.output)];
    for (const row of rows.changedTasks) {
      const kept = this.tasks[row.path]?.[0] ?? null;
      this.tasks[row.path] = [row.hasNewInput ? parse(row.input) : kept, parse(row.output)];
    }
    if (before === null) this.input = after.input;
    this.output = after.output;
    this.state = stateText(after);
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
  const open = Object.values(scenario.state.tasks).filter(isOpen);
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
      const timer = pickOf(Object.entries(scenario.state.timers).filter(([, { state }]) => state === 'armed'))?.[0];
      return timer === undefined ? undefined : () => scenario.timer(timer);
    }
    case 8: {
      const path = pickOf(Object.keys(scenario.state.incidents));
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
        let before: InstanceState | null = null;
        let written = 0;
        const write = (): void => {
          rows.apply(before, scenario.state, scenario.history.slice(written));
          before = scenario.state;
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

        expect(restoreState(scenario.state.instanceId, rows.state, rows.input, rows.output, rows.tasks)).toEqual(scenario.state);
        expect(restoreHistory(rows.entries, rows, rows.tasks)).toEqual(scenario.history);
        // A part needs of what comes later only entries that displaced something.
        const cut = Math.ceil(rows.entries.length / 2);
        const part = [...rows.entries.slice(0, cut), ...rows.entries.slice(cut).filter(({ displaced }) => displaced !== undefined)];
        expect(restoreHistory(part, rows, rows.tasks).slice(0, cut)).toEqual(scenario.history.slice(0, cut));
      }),
      { numRuns: 500 },
    );
    expect([...statuses]).toEqual(expect.arrayContaining(['running', 'paused', 'incident']));
  });

  it('hold no input or output of a task twice', () => {
    const secret = 'only once';
    const scenario = new Scenario({ id: 'once', nodes: { work: http(1, { body: secret }) }, edges: [] }, { secret });
    const rows = new Rows();
    rows.apply(null, scenario.state, scenario.history);
    const before = scenario.state;
    scenario.completes('work', secret);
    rows.apply(before, scenario.state, scenario.history.slice(before.seq));
    expect(rows.state + JSON.stringify(rows.entries)).not.toContain(secret);
  });
});
