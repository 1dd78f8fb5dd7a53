/**
 * What a parent of many children writes and works: `node bench/children.ts [items]`. Needs nothing running. A forEach asks for a child
 * for each item, each of which ends with an output; then a fan-out is cancelled at once. Bytes are those of the rows as the stores
 * write them, without indexes and messages; times are CPU of the decisions alone, so that they are the same on a busy machine.
 */
import { parseDefinition } from '../src/core/definition/index.ts';
import type { Definition } from '../src/core/definition/types.ts';
import type { CommandId, InstanceId, ScopePath, TaskPath } from '../src/core/ids.ts';
import type { AddressedNotification, Notification } from '../src/core/instance/decide/notification.ts';
import { scopeOfNotification } from '../src/core/instance/decide/notification-scopes.ts';
import { start, step } from '../src/core/instance/index.ts';
import { bookPathOf, rootPath, ScopesNeeded, withScopes } from '../src/core/instance/state/scopes.ts';
import type { InstanceState, StatePart } from '../src/core/instance/state/state.ts';
import type { StepResult } from '../src/core/instance/step.ts';
import { chainsOf, scopesOf } from '../src/store/stored/partial-state.ts';
import { scopeText, stateText } from '../src/store/stored/state.ts';
import { TransitionRows } from '../src/store/stored/transition-rows.ts';

const instanceId = '01890000-0000-7000-8000-000000000001' as InstanceId;
const NOW = 1_000;
/** Bytes of what a child gives. */
const OUTPUT_BYTES = 1_000;

function fanOut(concurrency: number): Definition {
  const each = { type: 'forEach', items: '${ input.items }', concurrency, workflow: { definition: 'child', input: '${ item }' } };
  const parsed = parseDefinition({ id: 'bench', nodes: { each }, output: '${ nodes.each.output.size() }' }, { version: 1 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

class Parent {
  readonly definition: Definition;
  /** Without its scopes. */
  state: InstanceState;
  /** Changed in place: copies of ten thousand would take longer than what is measured. */
  readonly scopes: Record<ScopePath, StatePart> = {};
  steps = 0;
  /** Of the instance's own row (its largest while the instance runs), of the rows of scopes and books, and of the history with its payloads. */
  readonly bytes = { own: 0, ownMax: 0, scopes: 0, history: 0 };
  cpuMs = 0;
  cpuMsMax = 0;
  readonly asked: TaskPath[] = [];
  readonly #due: Notification[] = [];

  constructor(width: number, concurrency: number) {
    this.definition = fanOut(concurrency);
    const items = Array.from({ length: width }, (_, index) => `order-${index}`);
    const began = process.cpuUsage();
    const started = start(this.definition, { instanceId, input: { items }, businessKey: null, by: 'bench', cause: 'rest:1' }, NOW);
    if (!started.ok) throw new Error(started.error.error.message);
    this.state = started.value.state;
    this.#take(null, started.value, began);
    this.#keep(null, started.value.state);
    this.#fire();
  }

  /** Decided on the scopes that it asks for, as an orchestrator does that has nothing in its cache. */
  deliver(notification: Notification): void {
    const addressed: AddressedNotification = { instanceId, cause: 'millrace.notifications/0@1', notification };
    let before = this.#partWith(chainsOf([scopeOfNotification(notification)]));
    for (;;) {
      const began = process.cpuUsage();
      try {
        const result = step(this.definition, before, [addressed], NOW);
        this.#take(before, result, began);
        this.#keep(before, result.state);
        this.#fire();
        return;
      } catch (error) {
        if (!(error instanceof ScopesNeeded)) throw error;
        before = withScopes(before, error, scopesOf({ ...this.state, scopes: this.scopes }, error));
      }
    }
  }

  #partWith(paths: readonly ScopePath[]): InstanceState {
    const scopes: Record<ScopePath, StatePart> = {};
    for (const path of [rootPath, ...paths]) {
      const scope = this.scopes[path];
      if (scope !== undefined) scopes[path] = scope;
    }
    return { ...this.state, scopes, partial: { absent: paths.filter((path) => !Object.hasOwn(scopes, path)), whole: [] } };
  }

  #keep(before: InstanceState | null, { scopes, partial: _, ...rest }: InstanceState): void {
    this.state = { ...rest, scopes: {} };
    for (const path in before?.scopes) if (!Object.hasOwn(scopes, path)) delete this.scopes[path as ScopePath];
    Object.assign(this.scopes, scopes);
  }

  endOf(path: TaskPath): Notification {
    const book = this.scopes[bookPathOf(path)];
    if (book?.status !== 'child') throw new Error(`no child of ${path}`);
    const result = { status: 'completed', output: 'x'.repeat(OUTPUT_BYTES) } as const;
    return { type: 'ChildEnd', childId: book.childId, parent: { kind: 'instance', instanceId, path, attempt: book.attempt }, result };
  }

  #take(before: InstanceState | null, result: StepResult, began: NodeJS.CpuUsage): void {
    const { state: after, history, effects } = result;
    const rows = new TransitionRows();
    const written = rows.add({ instanceId, partition: 0, before, expectedVersion: 1, after, history, effects, messages: [] });
    const own = Buffer.byteLength(stateText(after));
    this.bytes.own += own;
    if (after.phase === 'running') this.bytes.ownMax = Math.max(this.bytes.ownMax, own);
    for (const scope of written.scopes) this.bytes.scopes += Buffer.byteLength(scopeText(scope));
    this.bytes.history += Buffer.byteLength(JSON.stringify([written.entries, [...written.payloads]]));
    const { user, system } = process.cpuUsage(began);
    const ms = (user + system) / 1_000;
    this.cpuMs += ms;
    this.cpuMsMax = Math.max(this.cpuMsMax, ms);
    this.steps++;
    for (const effect of effects) {
      if (effect.type === 'bookChild') this.asked.push(effect.path);
      if (effect.type !== 'armTimer') continue;
      this.#due.push({ type: 'TimerFired', timerId: effect.timerId, kind: effect.kind, dueAt: effect.dueAt });
    }
  }

  #fire(): void {
    const timer = this.#due.shift();
    if (timer !== undefined) this.deliver(timer);
  }
}

function print(name: string, ...figures: readonly string[]): void {
  process.stdout.write(`${name.padEnd(36)}${figures.map((figure) => figure.padStart(26)).join('')}\n`);
}

const count = (value: number): string => Math.round(value).toLocaleString('en');
const items = Number(process.argv[2] ?? 10_000);

process.stdout.write(`Node ${process.version}; ${OUTPUT_BYTES} bytes of output a child\n`);
for (const width of [items / 100, items / 10, items]) {
  const parent = new Parent(width, 100);
  for (let path = parent.asked.shift(); path !== undefined; path = parent.asked.shift()) parent.deliver(parent.endOf(path));
  if (parent.state.phase !== 'completed') throw new Error(`the instance is ${parent.state.phase}`);
  const { own, ownMax, scopes, history } = parent.bytes;
  print(
    `${count(width)} children, a hundred at a time`,
    `${(parent.steps / width).toFixed(2)} steps an item`,
    `own row ${count(ownMax)} at most`,
    `${count(own / width)} an item`,
    `scopes ${count(scopes / width)} an item`,
    `history ${count(history / width)} an item`,
    `${(parent.cpuMs / width).toFixed(3)} CPU ms an item`,
  );
}
for (const width of [items / 100, items / 10, items / 2]) {
  const parent = new Parent(width, width);
  const [steps, asked] = [parent.steps, parent.asked.length];
  [parent.cpuMs, parent.cpuMsMax] = [0, 0];
  const commandId = '01890000-0000-7000-9000-000000000001' as CommandId;
  parent.deliver({ type: 'CommandIssued', commandId, by: 'bench', command: { type: 'cancel', reason: null } });
  if (parent.state.phase !== 'cancelled') throw new Error(`the instance is ${parent.state.phase}`);
  print(
    `a cancel of ${count(width)} children`,
    `${parent.steps - steps} steps`,
    `${count(asked)} were asked for`,
    `${parent.cpuMs.toFixed(0)} CPU ms in all`,
    `${parent.cpuMsMax.toFixed(0)} in one step`,
  );
}
