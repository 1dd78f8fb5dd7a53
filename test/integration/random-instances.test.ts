/**
 * Decisions of the core for random definitions and schedules, written to Postgres as the orchestrator does: many instances in a
 * statement. After each step the loaded state equals the decided one, and every table agrees with it.
 */

import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyInstances } from '../../src/cli/verify.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import {
  incidentsOf as incidentsOfScopes,
  rootPath,
  tasksOf as tasksOfScopes,
  timersOf as timersOfScopes,
} from '../../src/core/instance/state/scopes.ts';
import type { InstanceState } from '../../src/core/instance/state/state.ts';
import type { HistoryEntry } from '../../src/core/instance/step.ts';
import { document, input, numbers } from '../../src/core/instance/testing/arbitraries.ts';
import { World, type WorldStep } from '../../src/core/instance/testing/world.ts';
import { toEnd } from '../../src/core/parts.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import type { Transition } from '../../src/store/instance-store.ts';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import { taskImages } from '../../src/store/stored/task-images.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { definitionOf } from '../support/scenario.ts';
import { matcher, openLab, PARTITIONS, type StoreLab, transitionOf } from '../support/store-lab.ts';

/** Number of instances in a statement. */
const SIDE_BY_SIDE = 12;
const ROUNDS = Number(process.env.MILLRACE_TEST_DEFINITIONS ?? 240) / SIDE_BY_SIDE;

let databases: FreshDatabases;
let pool: Pool;
let lab: StoreLab;

beforeAll(async () => {
  databases = await createFreshDatabases('random_instances_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.instances, { connections: 4 });
  lab = await openLab(storeOn(pool, matcher));
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

const run = fc.record({ document, input, chances: numbers(20, 120) });
const drawn = fc.array(run, { minLength: SIDE_BY_SIDE, maxLength: SIDE_BY_SIDE });

it('every table holds what the state says, after every step', { timeout: ROUNDS * 30_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (all) => {
      const runs = all.map(({ document: deployed, input: given, chances }) => {
        const world = new World(definitionOf(deployed), given, uuidv7() as InstanceId);
        world.run(chances);
        return new Stored(world);
      });
      await lab.store.start(runs.map((each) => ({ transition: each.next(), idempotency: null })));
      await expectRows(runs);
      const unfinished = (some: readonly Stored[]) => some.filter(({ hasMore }) => hasMore);
      for (let left = unfinished(runs); left.length > 0; left = unfinished(left)) {
        expect(await lab.apply(...left.map((each) => each.next()))).toHaveLength(left.length);
        await expectRows(left);
      }
      // A step of one instance has not changed rows of another.
      await expectRows(runs);
    }),
    // Each round is a thousand statements: a smaller example is found faster by the properties of the core.
    { numRuns: ROUNDS, endOnFailure: true },
  );
  expect((await verifyInstances(lab.queries, () => undefined)).differences).toEqual([]);
});

/** The steps of a world, as far as they are written. */
class Stored {
  readonly #instanceId: InstanceId;
  readonly #steps: readonly WorldStep[];
  #written = 0;
  #version = 0;

  constructor({ state, steps }: World) {
    this.#instanceId = state.instanceId;
    this.#steps = steps.filter(({ result }) => result.history.length > 0);
  }

  get hasMore(): boolean {
    return this.#written < this.#steps.length;
  }

  get state(): InstanceState {
    const last = this.#steps[this.#written - 1];
    if (last === undefined) throw new Error('nothing is written yet');
    return last.result.state;
  }

  /** As far as it is written. */
  get history(): readonly HistoryEntry[] {
    return this.#steps.slice(0, this.#written).flatMap(({ result }) => result.history);
  }

  next(): Transition {
    const step = this.#steps[this.#written++];
    if (step === undefined) throw new Error('nothing is left to write');
    return transitionOf(this.#instanceId, step.before, this.#version++, step.result);
  }
}

async function expectRows(runs: readonly Stored[]): Promise<void> {
  const states = runs.map(({ state }) => state);
  const ids = states.map(({ instanceId }) => instanceId);
  const read = async (fields: string, table: string, order: string): Promise<unknown> =>
    (await pool.query(`SELECT ${fields} FROM ${table} WHERE instance_id = ANY($1) ORDER BY instance_id, ${order}`, [ids])).rows;
  const [tasks, scopes, timers, waits, subscriptions, people, incidents] = await Promise.all([
    read(
      'instance_id AS id, path, node_id AS node, type, status, attempt, opened_at AS opened, error, output_seq',
      'task',
      'path COLLATE "C"',
    ),
    read("instance_id AS id, path, state ->> 'status' AS status", 'scope', 'path'),
    read('instance_id AS id, timer_id AS timer, kind, path, attempt, due_at AS due', 'timer', 'timer_id COLLATE "C"'),
    read('instance_id AS id, path, attempt, partition, remaining', 'wait', 'path COLLATE "C"'),
    read('instance_id AS id, path, wait_index AS wait, type, key', 'subscription', 'path COLLATE "C", wait_index'),
    read(
      'instance_id AS id, path, attempt, title, users, roles, approvals, voters, excluded, due_at AS due, opened_at AS opened',
      'human_task',
      'path COLLATE "C"',
    ),
    read('instance_id AS id, path, code', 'incident', 'path COLLATE "C"'),
  ]);
  const sorted = [...states].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  expect(tasks).toEqual(inOrder(runs, ({ state }) => state.instanceId).flatMap(tasksOf));
  expect(scopes).toEqual(sorted.flatMap(scopesOf));
  expect(timers).toEqual(sorted.flatMap(timersOf));
  expect(waits).toEqual(sorted.flatMap(waitsOf));
  expect(subscriptions).toEqual(sorted.flatMap(subscriptionsOf));
  expect(people).toEqual(sorted.flatMap(peopleOf));
  expect(incidents).toEqual(sorted.flatMap(incidentsOf));
  for (const state of states) expect((await lab.stored(state.instanceId)).state).toEqual(state);
}

const at = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
const inOrder = <T>(list: readonly T[], of: (item: T) => string): T[] => [...list].sort((a, b) => (of(a) < of(b) ? -1 : 1));
const tasksIn = (state: InstanceState) => inOrder(tasksOfScopes(state), ({ path }) => path);

/** Rows of tasks outlive the items and rounds that they ran in, so what they hold follows from the whole history. */
function tasksOf({ state, history }: Stored): unknown[] {
  return inOrder(toEnd(taskImages(null, state, history)), ({ path }) => path).map(
    ({ path, nodeId: node, type, status, attempt, openedAt, error, outputSeq: output_seq }) => {
      return { id: state.instanceId, path, node, type, status, attempt, opened: at(openedAt), error, output_seq };
    },
  );
}

function scopesOf({ instanceId: id, scopes }: InstanceState): unknown[] {
  return inOrder(Object.values(scopes), ({ path }) => path).flatMap(({ path, status }) =>
    path === rootPath ? [] : [{ id, path, status }],
  );
}

function timersOf(state: InstanceState): unknown[] {
  const { instanceId: id } = state;
  return inOrder(Object.entries(timersOfScopes(state)), ([timer]) => timer).flatMap(([timer, armed]) =>
    armed.state === 'armed' ? [{ id, timer, kind: armed.kind, path: armed.path, attempt: armed.attempt, due: at(armed.dueAt) }] : [],
  );
}

function incidentsOf(state: InstanceState): unknown[] {
  return inOrder(Object.entries(incidentsOfScopes(state)), ([path]) => path).map(([path, { error }]) => {
    return { id: state.instanceId, path, code: error.code };
  });
}

/** The store makes no matches here, so a wait never has fewer events left. */
function waitsOf(state: InstanceState): unknown[] {
  const partition = partitionOf(state.instanceId, PARTITIONS);
  return tasksIn(state).flatMap((task) => {
    if (task.type !== 'event' || task.status !== 'open') return [];
    return [{ id: state.instanceId, path: task.path, attempt: task.attempt, partition, remaining: task.count }];
  });
}

function subscriptionsOf(state: InstanceState): unknown[] {
  return tasksIn(state).flatMap((task) => {
    if (task.type !== 'event' || task.status !== 'open') return [];
    return task.waits.map(({ event: type, key }, wait) => ({ id: state.instanceId, path: task.path, wait, type, key }));
  });
}

function peopleOf(state: InstanceState): unknown[] {
  return tasksIn(state).flatMap((task) => {
    if (task.type !== 'human' || task.status !== 'open') return [];
    const { path, attempt, title, assignees, dueAt, openedAt, approvals: needed, votes = [] } = task;
    const { users, roles } = assignees;
    const approvals = needed === undefined ? null : { atLeast: needed.atLeast, of: needed.of };
    const decided = { approvals, voters: votes.map(({ by }) => by), excluded: needed?.notBy ?? [] };
    return [{ id: state.instanceId, path, attempt, title, users, roles, ...decided, due: at(dueAt), opened: at(openedAt) }];
  });
}
