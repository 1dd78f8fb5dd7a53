/** The store in memory under a test's control: a test orders failures, and sees what was read and written. */
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import type {
  EventMatcher,
  InstanceStore,
  ReleasedTask,
  Start,
  StartResult,
  StoredInstance,
  Transition,
  WantedInstance,
} from '../../store/instance-store.ts';
import { createMemoryInstanceStore } from '../../store/memory/instance-store.ts';
import type { OutboxRow } from '../../store/memory/outbox.ts';
import { MemoryTables } from '../../store/memory/tables.ts';
import type { NeededScopes } from '../../store/stored/partial-state.ts';

/** Matches no event: these tests write their matches themselves. */
const noMatcher: EventMatcher = {
  matches: () => 'no',
  encode: () => {
    throw new Error('no event is offered here');
  },
};

export class SteeredStore implements Pick<InstanceStore, 'load' | 'loadScopes' | 'apply' | 'release' | 'start' | 'publish'> {
  /** What won, in the order of writing. */
  readonly written: Transition[] = [];
  /** Instances that were asked for. */
  readonly loaded: InstanceId[] = [];
  /** Transitions that were given, by call. */
  readonly calls: (readonly Transition[])[] = [];
  /** Returns the error that the database throws for these, or null. */
  refuse: (transitions: readonly Transition[]) => Error | null = () => null;
  /** Runs before anything is written, so that a test can let another process write first. */
  before: () => void | Promise<void> = () => undefined;
  readonly #tables: MemoryTables;
  readonly #store: InstanceStore;

  /** @param topics what the outbox takes messages for. */
  constructor(topics: readonly string[] = []) {
    this.#tables = new MemoryTables(1_048_576);
    this.#store = createMemoryInstanceStore(this.#tables, noMatcher, { eventTtlMs: 3_600_000 });
    for (const topic of topics) this.#tables.outbox.topics.add(topic);
  }

  /** The stored instance; undefined: there is none. */
  stored(instanceId: InstanceId): StoredInstance | undefined {
    const found = this.#tables.instances.get(instanceId);
    if (found === undefined) return undefined;
    const { state, version, held } = found;
    return { state, version, ...(held === undefined ? {} : { held }) };
  }

  /** Another process has written this. */
  put(instanceId: InstanceId, state: InstanceState, version = 1): void {
    const { history = [], payloads = new Map(), tasks = new Map() } = this.#tables.instances.get(instanceId) ?? {};
    this.#tables.instances.set(instanceId, { partition: 0, version, state, history, payloads, tasks });
  }

  start(starts: readonly Start[]): Promise<readonly StartResult[]> {
    return this.#store.start(starts);
  }

  publish(messages: readonly OutboxMessage[]): Promise<void> {
    return this.#store.publish(messages);
  }

  load(partition: number, wanted: readonly WantedInstance[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
    this.loaded.push(...wanted.map(({ instanceId }) => instanceId));
    return this.#store.load(partition, wanted);
  }

  loadScopes(partition: number, instanceId: InstanceId, version: number, needed: NeededScopes) {
    return this.#store.loadScopes(partition, instanceId, version, needed);
  }

  /** Messages that were written, oldest first. */
  get sent(): readonly OutboxRow[] {
    return this.#tables.outbox.rows;
  }

  release(partition: number, tasks: readonly ReleasedTask[]) {
    return this.#store.release(partition, tasks);
  }

  async apply(partition: number, transitions: readonly Transition[]) {
    this.calls.push(transitions);
    await this.before();
    const error = this.refuse(transitions);
    if (error !== null) throw error;
    const result = await this.#store.apply(partition, transitions);
    this.written.push(...transitions.filter(({ instanceId }) => result.applied.has(instanceId)));
    return result;
  }
}
