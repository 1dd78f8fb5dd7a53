/**
 * What a step in one item of a loop writes, and how long it takes: `node bench/scopes.ts`. Needs nothing running. Bytes are
 * those of the rows as the stores write them (state, scopes, history with its payloads, tasks), without indexes and messages.
 * Each step is decided on a part of the scopes, as an orchestrator loads them, which has nothing of the instance in its cache.
 */
import { parseDefinition } from '../src/core/definition/index.ts';
import type { Definition } from '../src/core/definition/types.ts';
import type { InstanceId, TaskPath } from '../src/core/ids.ts';
import type { AddressedNotification } from '../src/core/instance/decide/notification.ts';
import { scopeOfNotification } from '../src/core/instance/decide/notification-scopes.ts';
import { start, step } from '../src/core/instance/index.ts';
import { ScopesNeeded, taskAt, withScopes } from '../src/core/instance/state/scopes.ts';
import type { InstanceState } from '../src/core/instance/state/state.ts';
import type { StepResult } from '../src/core/instance/step.ts';
import type { Json, JsonObject } from '../src/core/json.ts';
import { partOf, scopesOf, wholeAfter } from '../src/store/stored/partial-state.ts';
import { scopeText, stateText } from '../src/store/stored/state.ts';
import { TransitionRows } from '../src/store/stored/transition-rows.ts';

const instanceId = '01890000-0000-7000-8000-000000000001' as InstanceId;
const NOW = 1_000;
const STEPS = 500;

const work: JsonObject = { type: 'task', task: 'work', input: { order: '${ item }' } };
const outside = loopOver({ nodes: { pick: work, pack: work }, edges: [{ from: 'pick', to: 'pack' }], output: '${ nodes.pack.output }' });
const inline = loopOver({ nodes: { shape: { type: 'transform', output: { order: '${ item }' } } }, output: '${ nodes.shape.output }' });

const round: JsonObject = { nodes: { shape: { type: 'transform', output: { round: '${ index }' } } }, output: '${ nodes.shape.output }' };
const rounds = running({ type: 'repeat', max: 100_000, until: 'index >= size(input.items) - 1', body: round });

function loopOver(body: JsonObject): Definition {
  return running({ type: 'forEach', items: '${ input.items }', body });
}

function running(loop: JsonObject): Definition {
  const document: Json = { id: 'bench', nodes: { items: loop }, output: '${ nodes.items.output }' };
  const parsed = parseDefinition(document, { version: 1 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** An instance, what stands in the database of it, and what waits to be delivered. */
class Run {
  readonly definition: Definition;
  state: InstanceState;
  bytes = 0;
  readonly scheduled: TaskPath[] = [];
  readonly #due: AddressedNotification[] = [];

  constructor(definition: Definition, width: number) {
    this.definition = definition;
    const items = Array.from({ length: width }, (_, index) => `order-${index}`);
    const started = start(definition, { instanceId, input: { items }, businessKey: null, by: 'bench', cause: 'rest:1' }, NOW);
    if (!started.ok) throw new Error(started.error.error.message);
    this.state = started.value.state;
    this.bytes += bytesOf(null, started.value);
    this.#follow(started.value);
    for (let timer = this.#due.shift(); timer !== undefined; timer = this.#due.shift()) this.deliver(timer);
  }

  /** @returns how many bytes were written, and the ms of the decision and of making the rows. */
  deliver(notification: AddressedNotification): { readonly bytes: number; readonly ms: number } {
    let before = partOf(this.state, [scopeOfNotification(notification.notification)]);
    for (;;) {
      const began = performance.now();
      try {
        const result = step(this.definition, before, [notification], NOW);
        const bytes = bytesOf(before, result);
        const ms = performance.now() - began;
        this.bytes += bytes;
        this.state = wholeAfter(this.state, before, result.state);
        this.#follow(result);
        return { bytes, ms };
      } catch (error) {
        if (!(error instanceof ScopesNeeded)) throw error;
        before = withScopes(before, error, scopesOf(this.state, error));
      }
    }
  }

  outcomeOf(path: TaskPath): AddressedNotification {
    const task = taskAt(this.state, path);
    if (task === undefined) throw new Error(`no task ${path}`);
    const { attempt, basis } = task;
    const result = { status: 'completed', output: { done: 'x'.repeat(50) } } as const;
    return { instanceId, cause: 'millrace.notifications/0@1', notification: { type: 'TaskOutcome', path, attempt, basis, result } };
  }

  #follow({ effects }: StepResult): void {
    for (const effect of effects) {
      if (effect.type === 'dispatchTask') this.scheduled.push(effect.path);
      if (effect.type !== 'armTimer') continue;
      const { timerId, kind, dueAt } = effect;
      this.#due.push({ instanceId, cause: 'millrace.notifications/0@2', notification: { type: 'TimerFired', timerId, kind, dueAt } });
    }
  }
}

function bytesOf(before: InstanceState | null, { state: after, history, effects }: StepResult): number {
  const rows = new TransitionRows();
  const written = rows.add({ instanceId, partition: 0, before, expectedVersion: 1, after, history, effects, messages: [] });
  const tasks = [...rows.newTasks, ...rows.changedTasks];
  const texts = [
    stateText(after),
    ...written.scopes.map(scopeText),
    JSON.stringify([written.entries, [...written.payloads]]),
    ...tasks.map((task) => JSON.stringify(task)),
  ];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function print(name: string, ...figures: readonly string[]): void {
  process.stdout.write(`${name.padEnd(44)}${figures.map((figure) => figure.padStart(22)).join('')}\n`);
}

process.stdout.write(`Node ${process.version}\n`);
/** Warms up the compiler, too. */
for (const width of [1_000, 10, 100, 1_000]) {
  const bytes: number[] = [];
  const ms: number[] = [];
  // The first outcome of an item: its other task is opened.
  while (bytes.length < STEPS) {
    const run = new Run(outside, width);
    for (const path of run.scheduled.slice(0, Math.min(width, 100))) {
      const figures = run.deliver(run.outcomeOf(path));
      bytes.push(figures.bytes);
      ms.push(figures.ms);
    }
  }
  print(
    `a step in one of ${width.toLocaleString('en')} open items`,
    `${median(bytes).toLocaleString('en')} bytes`,
    `${median(ms).toFixed(3)} ms`,
  );
}
for (const width of [10, 100, 1_000]) {
  const { bytes, state } = new Run(inline, width);
  if (state.phase !== 'completed') throw new Error(`the instance is ${state.phase}`);
  print(
    `inline, ${width.toLocaleString('en')} items in all`,
    `${bytes.toLocaleString('en')} bytes`,
    `${Math.round(bytes / width)} an item`,
  );
}
for (const width of [10, 100, 1_000]) {
  const run = new Run(outside, width);
  for (let path = run.scheduled.shift(); path !== undefined; path = run.scheduled.shift()) run.deliver(run.outcomeOf(path));
  if (run.state.phase !== 'completed') throw new Error(`the instance is ${run.state.phase}`);
  print(
    `two tasks each, ${width.toLocaleString('en')} items in all`,
    `${run.bytes.toLocaleString('en')} bytes`,
    `${Math.round(run.bytes / width)} an item`,
  );
}
for (const width of [10, 100, 1_000, 10_000]) {
  const { bytes, state } = new Run(rounds, width);
  if (state.phase !== 'completed') throw new Error(`the instance is ${state.phase}`);
  print(
    `repeat, ${width.toLocaleString('en')} rounds in all`,
    `${bytes.toLocaleString('en')} bytes`,
    `${Math.round(bytes / width)} a round`,
  );
}
