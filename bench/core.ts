/**
 * How fast the core decides, on one core: `node bench/core.ts [seconds]`. Needs nothing running.
 * A step is an outcome applied to an instance: decided, folded, with its effects. No encoding, no database.
 */

import { parseDefinition, storedDefinitionLimits } from '../src/core/definition/index.ts';
import type { Definition } from '../src/core/definition/types.ts';
import type { InstanceId, TaskPath } from '../src/core/ids.ts';
import type { AddressedNotification } from '../src/core/instance/decide/notification.ts';
import { start, step } from '../src/core/instance/index.ts';
import type { Effect } from '../src/core/instance/outgoing/effects.ts';
import { taskAt } from '../src/core/instance/state/scopes.ts';
import type { InstanceState } from '../src/core/instance/state/state.ts';
import type { Json, JsonObject } from '../src/core/json.ts';

const seconds = Number(process.argv[2] ?? '2');
const instanceId = '01890000-0000-7000-8000-000000000001' as InstanceId;
const input = { order: 'o-1', note: 'x'.repeat(200) };
const output = { ok: true, note: 'y'.repeat(200) };

/** P1 of the benchmarks: one task. P2: ten in sequence. */
const p1 = sequence(1);
const p2 = sequence(10);

/** Runs an instance from its start to its end, `perStep` outcomes at a time, and returns how many outcomes that were. */
function run(definition: Definition, perStep: number): number {
  const started = start(definition, { instanceId, input, businessKey: null, by: 'bench', cause: 'rest:1' }, 1_000);
  if (!started.ok) throw new Error(started.error.error.message);
  let { state, effects } = started.value;
  let outcomes = 0;
  const queue: AddressedNotification[] = [];
  for (;;) {
    for (const effect of effects) {
      if (effect.type === 'dispatchTask') queue.push(outcomeOf(state, effect.path));
      // A step that reached its limit continues by a timer.
      if (effect.type === 'armTimer' && effect.kind === 'step') queue.push(fired(effect));
    }
    const batch = queue.splice(0, perStep);
    if (batch.length === 0) break;
    outcomes += batch.filter(({ notification }) => notification.type === 'TaskOutcome').length;
    const result = step(definition, state, batch, 1_000);
    ({ state, effects } = result);
    outcomes -= result.left.length;
    queue.unshift(...result.left);
  }
  if (state.phase !== 'completed') throw new Error(`the instance is ${state.phase}`);
  return outcomes;
}

function fired({ timerId, kind, dueAt }: Effect & { readonly type: 'armTimer' }): AddressedNotification {
  return { instanceId, cause: 'millrace.notifications/0@2', notification: { type: 'TimerFired', timerId, kind, dueAt } };
}

function outcomeOf(state: InstanceState, path: TaskPath): AddressedNotification {
  const task = taskAt(state, path);
  if (task === undefined) throw new Error(`no task ${path}`);
  const { attempt, basis } = task;
  return {
    instanceId,
    cause: 'millrace.notifications/0@1',
    notification: { type: 'TaskOutcome', path, attempt, basis, result: { status: 'completed', output } },
  };
}

function sequence(length: number): Definition {
  const names = Array.from({ length }, (_, index) => `t${index}`);
  const nodes = names.map((name, index): [string, JsonObject] => [
    name,
    { type: 'task', task: 'work', input: index === 0 ? { order: '${ input.order }' } : { before: `\${ nodes.t${index - 1}.output }` } },
  ]);
  return definitionOf(
    nodes,
    names.slice(1).map((to, index) => ({ from: `t${index}`, to })),
  );
}

/** One task, `width` beside each other behind it, and one that joins them. */
function fanOut(width: number): Definition {
  const task: JsonObject = { type: 'task', task: 'work', input: { order: '${ input.order }' } };
  const branches = Array.from({ length: width }, (_, index) => `b${index}`);
  const nodes = ['a', ...branches, 'j'].map((name): [string, JsonObject] => [name, task]);
  return definitionOf(
    nodes,
    branches.flatMap((branch) => [
      { from: 'a', to: branch },
      { from: branch, to: 'j' },
    ]),
  );
}

function definitionOf(nodes: readonly (readonly [string, JsonObject])[], edges: readonly JsonObject[]): Definition {
  const document: Json = { id: 'bench', nodes: Object.fromEntries(nodes), edges };
  const limits = {
    bytes: 1 << 24,
    nodes: 100_000,
    edges: 200_000,
    depth: 64,
    loopDepth: 8,
    expressions: 100_000,
    triggers: 50,
    schema: storedDefinitionLimits.schema,
  };
  const parsed = parseDefinition(document, { version: 1, limits });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** Outcomes per second of this process's own time, since others may be using the machine; after a warm-up. */
function rateOf(definition: Definition, perStep: number): number {
  const during = (forMs: number): number => {
    const startedAt = process.cpuUsage();
    for (let outcomes = 0; ; ) {
      // Reading the CPU time costs as much as a step.
      for (const next = outcomes + 1_000; outcomes < next; ) outcomes += run(definition, perStep);
      const { user, system } = process.cpuUsage(startedAt);
      const usedMs = (user + system) / 1_000;
      if (usedMs >= forMs) return (outcomes / usedMs) * 1_000;
    }
  };
  during(seconds * 500);
  return during(seconds * 1_000);
}

const rates = {
  'one task, started and ended': rateOf(p1, 1),
  'ten in sequence': rateOf(p2, 1),
  '100 branches and a join, one outcome a step': rateOf(fanOut(100), 1),
  '100 branches and a join, 100 outcomes a step': rateOf(fanOut(100), 100),
  '1,000 branches and a join, 100 outcomes a step': rateOf(fanOut(1_000), 100),
  '5,000 branches and a join, 100 outcomes a step': rateOf(fanOut(5_000), 100),
};
process.stdout.write(`Node ${process.version}\n`);
for (const [name, rate] of Object.entries(rates))
  process.stdout.write(`${name.padEnd(50)}${Math.round(rate).toLocaleString('en')} outcomes/s\n`);
