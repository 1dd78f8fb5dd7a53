/** What `millrace verify` finds, on instances that the core has run. */

import { expect, it } from 'vitest';
import type { Definition, TransformNode } from '../core/definition/types.ts';
import type { Template } from '../core/expression/index.ts';
import { type DefinitionId, type InstanceId, type NodeId, type TaskPath, taskIdOf } from '../core/ids.ts';
import { type HistoryEntry, start } from '../core/instance/index.ts';
import { tasksOf } from '../core/instance/state/scopes.ts';
import type { InstanceState, TaskState } from '../core/instance/state/state.ts';
import type { Json } from '../core/json.ts';
import type { InstanceQueries, InstanceView, TaskRow } from '../store/instance-queries.ts';
import { verifyInstances } from './verify.ts';

type Kept = { readonly state: InstanceState; readonly history: readonly HistoryEntry[] };

const id = '0190f5fe-7c00-7a00-8000-000000000001' as InstanceId;
const constant = (value: Json): Template => ({ references: [], isConstant: true, evaluate: () => value });
const node: TransformNode = {
  id: 'a' as NodeId,
  name: 'a',
  info: { title: null, description: null, labels: {} },
  type: 'transform',
  output: constant({ sum: 3 }),
  outputSchema: null,
  join: { kind: 'all' },
  cancelRest: false,
  set: new Map(),
  compensation: null,
};
const definition: Definition = {
  id: 'sum' as DefinitionId,
  version: 1,
  title: null,
  description: null,
  labels: {},
  document: {},
  input: null,
  continuation: false,
  marks: null,
  root: {
    nodes: new Map([[node.id, node]]),
    edges: [],
    outgoing: new Map(),
    incoming: new Map(),
    startNodes: [node.id],
    ancestors: new Map(),
    output: constant('done'),
  },
  nodes: new Map([[node.id, node]]),
  vars: constant({}),
  timeout: null,
  deadline: null,
  onFailure: 'incident',
  triggers: [],
  lifecycle: 'instance',
  warnings: [],
};

function ran(): Kept {
  const result = start(definition, { instanceId: id, input: { x: 1 }, businessKey: null, by: 'test', cause: 'rest:1' }, 1_000);
  if (!result.ok) throw new Error(result.error.error.message);
  return { state: result.value.state, history: result.value.history };
}

function rowOf(task: TaskState): TaskRow {
  const { path, nodeId, type, status, attempt, openedAt } = task;
  return {
    ...{ taskId: taskIdOf(id, path), instanceId: id, path, nodeId, type, queue: null, status, attempt, openedAt, updatedAt: 1_000 },
    ...{
      input: null,
      output: 'output' in task ? task.output : null,
      omitted: [],
      error: null,
      assignee: null,
      human: null,
      definitionId: 'sum',
      definitionVersion: 1,
    },
  };
}

/** Each read of the state gives the next of `states`, the last one for ever. */
function queriesOver(history: readonly HistoryEntry[], ...states: readonly InstanceState[]) {
  let reads = 0;
  const viewOf = (state: InstanceState): InstanceView => ({
    row: {
      instanceId: id,
      definitionId: 'sum',
      definitionVersion: 1,
      businessKey: null,
      status: 'completed',
      createdAt: 1_000,
      updatedAt: 1_000,
    },
    version: 1,
    state,
    pending: [],
  });
  const next = (): InstanceView | null => {
    const state = states[Math.min(reads++, states.length - 1)];
    return state === undefined ? null : viewOf(state);
  };
  const queries: Pick<InstanceQueries, 'instanceIds' | 'find' | 'getWhole' | 'tasks' | 'task' | 'fullHistory' | 'books'> = {
    instanceIds: async (after) => (after === null ? [id] : []),
    getWhole: async () => next(),
    find: async () => {
      const view = next();
      return view === null ? null : { row: view.row, seq: view.state.seq };
    },
    task: async () => null,
    // One to a page.
    tasks: async (_, __, cursor) => {
      const rows = states.slice(-1).flatMap(tasksOf).map(rowOf);
      const at = Number(cursor ?? 0);
      return { items: rows.slice(at, at + 1), nextCursor: at + 1 < rows.length ? String(at + 1) : null };
    },
    fullHistory: async () => history,
    books: async () => [],
  };
  return queries;
}

it('finds no difference where there is none', async () => {
  const { state, history } = ran();
  const told: number[] = [];
  const result = await verifyInstances(queriesOver(history, state), (verified) => told.push(verified));
  expect(result).toEqual({ verified: 1, differences: [] });
  expect(told).toEqual([1]);
});

it('names the places where the stored state differs', async () => {
  const { state, history } = ran();
  const { differences } = await verifyInstances(queriesOver(history, { ...state, output: 'other' }), () => undefined);
  expect(differences).toEqual([{ instanceId: id, message: 'the stored state differs from the fold of its history at /output' }]);
});

it('names the columns of its row that differ, which lists read', async () => {
  const { state, history } = ran();
  const queries = queriesOver(history, state);
  const getWhole: typeof queries.getWhole = async (instanceId) => {
    const view = await queries.getWhole(instanceId);
    return view === null ? null : { ...view, row: { ...view.row, definitionVersion: 2, status: 'running' } };
  };
  const { differences } = await verifyInstances({ ...queries, getWhole }, () => undefined);
  expect(differences.map(({ message }) => message)).toEqual([
    'its row in the lists differs from the fold of its history at /definitionVersion, /status',
  ]);
});

it.each<[string, (rows: readonly TaskRow[]) => readonly TaskRow[], string]>([
  ['another status', (rows) => rows.map((row) => ({ ...row, status: 'scheduled' })), '/a/status'],
  [
    'another attempt and an error',
    (rows) => rows.map((row) => ({ ...row, attempt: 7, error: { code: 'X', message: 'x' } })),
    '/a/attempt, /a/error',
  ],
  [
    'a record of a human task that it is not',
    (rows) => rows.map((row) => ({ ...row, human: { title: 'x', assignees: { users: [], roles: [] }, dueAt: null, completedBy: null } })),
    '/a/human',
  ],
  ['no row', () => [], '/a'],
  ['a row too many', (rows) => rows.flatMap((row) => [row, { ...row, path: 'b' as TaskPath }]), '/b'],
])('names the rows of tasks that differ: %s', async (_, change, places) => {
  const { state, history } = ran();
  const queries = queriesOver(history, state);
  const tasks: typeof queries.tasks = async (instanceId, limit, cursor) => {
    const page = await queries.tasks(instanceId, limit, cursor);
    return { ...page, items: change(page.items) };
  };
  const { differences } = await verifyInstances({ ...queries, tasks }, () => undefined);
  expect(differences.map(({ message }) => message)).toEqual([`the rows of its tasks differ from the fold of its history at ${places}`]);
});

it('names the rows of children that its history does not know', async () => {
  const { state, history } = ran();
  const parent = { kind: 'instance', instanceId: id, path: 'a' as TaskPath, attempt: 1 } as const;
  const wanted = { depth: 1, detached: false, wish: 'run', number: 1, definitionId: definition.id, definitionVersion: null } as const;
  const books = async () => [{ childId: 'c' as InstanceId, request: { parent, ...wanted } }];
  const { differences } = await verifyInstances({ ...queriesOver(history, state), books }, () => undefined);
  expect(differences.map(({ message }) => message)).toEqual(['the rows of its children differ from the fold of its history at /c']);
});

it('reports a history with a gap', async () => {
  const { state, history } = ran();
  const { differences } = await verifyInstances(queriesOver(history.toSpliced(1, 1), state), () => undefined);
  expect(differences[0]?.message).toContain('the history has a gap');
});

it('looks again when the instance moved on between the two reads', async () => {
  const { state, history } = ran();
  const before = { ...state, seq: 1, output: null };
  const { differences } = await verifyInstances(queriesOver(history, before, state), () => undefined);
  expect(differences).toEqual([]);
});

it('passes over an instance that was removed meanwhile', async () => {
  const { history } = ran();
  expect(await verifyInstances(queriesOver(history), () => undefined)).toEqual({ verified: 1, differences: [] });
});
