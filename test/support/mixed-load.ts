/**
 * The mix that the tests of failures run: a sequence, a fan-out with its join, a wait for an event and a person's task; and what
 * must be true afterwards, read from the database and not from the engine.
 */
import { expect } from 'vitest';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { queryInstances as query } from './database.ts';
import type { TestEngine } from './engine.ts';
import { eventuallyHas } from './eventually.ts';

const STEPS = 5;
const WIDTH = 10;

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
type Step = { readonly type: 'task'; readonly task: string; readonly input: Json };
const echo: Step = { type: 'task', task: 'e2e.echo', input: '${ input.n }' };

const sequenceOf = (step: Step) => ({
  id: 'e2e-sequence',
  nodes: Object.fromEntries(names('s', STEPS).map((id) => [id, step])),
  edges: names('s', STEPS - 1).map((from, index) => ({ from, to: `s${index + 1}` })),
  output: { last: '${ nodes.s4.output }' },
});
const fanOutOf = (step: Step) => ({
  id: 'e2e-fan-out',
  nodes: { begin: step, ...Object.fromEntries(names('b', WIDTH).map((id) => [id, step])), end: step },
  edges: names('b', WIDTH).flatMap((id) => [
    { from: 'begin', to: id },
    { from: id, to: 'end' },
  ]),
});
const waitingOf = (step: Step) => ({
  id: 'e2e-waiting',
  nodes: { before: step, arrives: { type: 'event', event: 'e2e.arrived', key: '${ instance.id }' }, after: step },
  edges: [
    { from: 'before', to: 'arrives' },
    { from: 'arrives', to: 'after' },
  ],
  output: { data: '${ nodes.arrives.output.data }' },
});
const personOf = (step: Step) => ({
  id: 'e2e-person',
  nodes: { ask: { type: 'human', title: 'Decide ${ input.n }', assignees: { roles: ['manager'] } }, after: step },
  edges: [{ from: 'ask', to: 'after' }],
  output: { decided: '${ nodes.ask.output.yes }' },
});

const mixOf = (step: Step) => [sequenceOf(step), fanOutOf(step), waitingOf(step), personOf(step)] as const;
export const mix = mixOf(echo);
/** Task runs that an instance of each definition needs. */
const runsOf: Readonly<Record<string, number>> = { 'e2e-sequence': STEPS, 'e2e-fan-out': WIDTH + 2, 'e2e-waiting': 2, 'e2e-person': 1 };

/** @param step every task of it. @param more of every definition. */
export async function deployMix(engine: TestEngine, step: Step = echo, more: JsonObject = {}): Promise<void> {
  for (const definition of mixOf(step)) await engine.deploy({ ...definition, ...more });
}

export type MixedLoad = {
  readonly instanceIds: readonly string[];
  readonly ofWaiting: readonly string[];
  readonly ofPerson: readonly string[];
};

/** Starts `count` instances of each definition, each with an idempotency key, and repeats starts without an answer. */
export async function startMix(engine: TestEngine, count: number, tag: string): Promise<MixedLoad> {
  const started = new Map<string, string[]>(mix.map(({ id }) => [id, []]));
  for (let n = 0; n < count; n++) {
    await Promise.all(
      mix.map(async ({ id }) => {
        const { instanceId } = await engine.client.start(id, { input: { n }, businessKey: tag }, { idempotencyKey: `${tag}-${n}` });
        started.get(id)?.push(instanceId);
      }),
    );
  }
  const of = (id: string): readonly string[] => started.get(id) ?? [];
  return { instanceIds: [...started.values()].flat(), ofWaiting: of('e2e-waiting'), ofPerson: of('e2e-person') };
}

/** Sends every waiting instance its event, twice, as producers do; half of them before the wait has opened. */
export async function sendEvents(engine: TestEngine, { ofWaiting }: MixedLoad): Promise<void> {
  for (const instanceId of ofWaiting) {
    const event = { id: `arrived-${instanceId}`, type: 'e2e.arrived', source: 'test', key: instanceId, data: { for: instanceId } };
    await engine.client.sendEvent(event);
    await engine.client.sendEvent(event);
  }
}

export async function decideAll(engine: TestEngine, { ofPerson }: MixedLoad): Promise<void> {
  for (const instanceId of ofPerson) await engine.client.complete(`${instanceId}.ask`, { yes: true }, { assignee: 'ada' });
}

/** Waits until all have ended; then every invariant that the scenarios of failures name. */
export async function expectAllFinished(engine: TestEngine, { instanceIds }: MixedLoad, timeoutMs = 120_000): Promise<void> {
  const queryInstances = <Row extends Record<string, unknown>>(sql: string, values: readonly unknown[]): Promise<Row[]> =>
    query<Row>(sql, values, engine.env.INSTANCE_DATABASE_URL);
  const statuses = await eventuallyHas(
    () =>
      queryInstances<{ status: string; count: number }>(
        'SELECT status, count(*)::int AS count FROM instance WHERE id = ANY ($1::uuid[]) GROUP BY status',
        [instanceIds],
      ),
    (rows) => rows.every(({ status }) => status === 'completed'),
    { timeoutMs, intervalMs: 250, what: 'all instances completed' },
  );
  expect(statuses).toEqual([{ status: 'completed', count: instanceIds.length }]);

  const completed = await queryInstances<{ definition_id: string; completed: number; instances: number }>(
    `SELECT i.definition_id, count(*) FILTER (WHERE e.entry #>> '{event,type}' = 'TaskCompleted' AND e.entry #>> '{event,kind}' = 'task')::int AS completed,
      count(DISTINCT i.id)::int AS instances
     FROM instance i JOIN history h ON h.instance_id = i.id CROSS JOIN LATERAL json_array_elements(h.entries) AS e (entry)
     WHERE i.id = ANY ($1::uuid[]) GROUP BY i.definition_id`,
    [instanceIds],
  );
  // One accepted completion a task: never more, however often it ran.
  for (const row of completed) expect(row.completed).toBe(row.instances * (runsOf[row.definition_id] ?? Number.NaN));

  const [open] = await queryInstances<{ tasks: number; timers: number; subscriptions: number; people: number }>(
    `SELECT (SELECT count(*)::int FROM task WHERE instance_id = ANY ($1::uuid[]) AND status IN ('scheduled', 'retrying', 'open')) AS tasks,
      (SELECT count(*)::int FROM timer WHERE instance_id = ANY ($1::uuid[])) AS timers,
      (SELECT count(*)::int FROM subscription WHERE instance_id = ANY ($1::uuid[])) AS subscriptions,
      (SELECT count(*)::int FROM human_task WHERE instance_id = ANY ($1::uuid[])) AS people`,
    [instanceIds],
  );
  expect(open).toEqual({ tasks: 0, timers: 0, subscriptions: 0, people: 0 });

  const deadLetters = await queryInstances<{ code: string; reason: string }>(
    'SELECT code, reason FROM dead_letter WHERE instance_id = ANY ($1::text[])',
    [instanceIds],
  );
  expect(deadLetters).toEqual([]);

  const lost = await queryInstances(
    'SELECT i.id FROM instance i WHERE i.id = ANY ($1::uuid[]) AND i.version <> (SELECT count(*) FROM history h WHERE h.instance_id = i.id)',
    [instanceIds],
  );
  expect(lost).toEqual([]);
}
