/**
 * Trees of instances on the stores in memory: parents and children move by messages alone, which chance loses, repeats,
 * delays and reorders. Two processes apply them, each with states of its own: the owner of the partition, and one that believes it still is.
 */
import { expect } from 'vitest';
import type { Definition } from '../../core/definition/types.ts';
import type { DefinitionId, EpochMs, InstanceId } from '../../core/ids.ts';
import { areBooksEmpty } from '../../core/instance/children/books.ts';
import { commandIdFor } from '../../core/instance/children/child-id.ts';
import type { CommandIssued, TaskOutcome } from '../../core/instance/decide/notification.ts';
import { defaultRunLimits, fold, start, statusOf } from '../../core/instance/index.ts';
import { awaitedWork, tasksOf } from '../../core/instance/state/scopes.ts';
import { hasEnded, type InstanceState } from '../../core/instance/state/state.ts';
import type { Chance } from '../../core/instance/testing/chance.ts';
import { checkUndoing } from '../../core/instance/testing/undoing.ts';
import type { Json } from '../../core/json.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { createBirths } from '../../engine/child/births.ts';
import { InstanceProcessor } from '../../engine/process/instance-processor.ts';
import { StateCache } from '../../engine/process/state-cache.ts';
import { createReadyDefinitions } from '../../engine/ready-definitions.ts';
import { silentObserver } from '../../engine/testing/silent-observer.ts';
import { transitionOf } from '../../engine/transition.ts';
import type { Codec } from '../../messaging/codec.ts';
import { createOutgoing, type OutgoingMessages } from '../../messaging/outgoing.ts';
import { outboxTopics } from '../../messaging/topics.ts';
import type { InstanceStore } from '../../store/instance-store.ts';
import { createMemoryInstanceStore } from '../../store/memory/instance-store.ts';
import { MemoryTables } from '../../store/memory/tables.ts';
import { isReferringRecord, type Received, readNotification } from '../notifications/read-notification.ts';
import { definitionOf, instanceIdOf, NOTIFICATIONS, PREFIX, T0 } from './fixture.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const CACHE_BYTES = 10_000_000;
/** More than any tree of the tests needs to come to rest. */
const ROUNDS_MAX = 600;

class Tables extends MemoryTables {
  clock: EpochMs = T0;

  override now(): EpochMs {
    return this.clock;
  }
}

type Order = Extract<CommandIssued['command'], { readonly type: 'cancel' | 'pause' | 'resume' | 'retry' }>;

export class Family {
  readonly tables = new Tables(1_048_576);
  readonly store: InstanceStore;
  readonly root = instanceIdOf(1);
  /** Messages on their way. */
  bag: Received[] = [];
  /** Tasks that workers were sent. */
  readonly sent: OutboxMessage[] = [];
  /** What cannot be processed: nothing, ever. */
  readonly unprocessable: unknown[] = [];
  readonly #codec: Codec;
  readonly #outgoing: OutgoingMessages;
  /** By id, the versions in their order. */
  readonly #definitions = new Map<string, readonly Definition[]>();
  #processor: InstanceProcessor<Received>;
  #caches = [new StateCache(CACHE_BYTES), new StateCache(CACHE_BYTES)];
  #owner = 0;
  #commands = 0;
  #offset = 0n;

  constructor(codec: Codec, documents: readonly Json[]) {
    this.#codec = codec;
    this.#outgoing = createOutgoing({ codec, prefix: PREFIX, partitions: 1, publishTopics: [] });
    for (const topic of outboxTopics(PREFIX)) this.tables.outbox.topics.add(topic);
    const matcher = { matches: () => 'no' as const, encode: () => this.#never() };
    this.store = createMemoryInstanceStore(this.tables, matcher, { eventTtlMs: DAY_MS });
    for (const document of documents) this.deploy(document);
    this.#processor = this.#makeProcessor();
  }

  /** Makes the next version of it, from 1 on. */
  deploy(document: Json): void {
    const { id } = definitionOf(document);
    const versions = this.#definitions.get(id) ?? [];
    this.#definitions.set(id, [...versions, definitionOf(document, versions.length + 1)]);
  }

  #makeProcessor(): InstanceProcessor<Received> {
    const get = (id: DefinitionId, version: number) => this.#definitions.get(id)?.[version - 1];
    const latest = { get: (id: DefinitionId) => this.#definitions.get(id)?.length ?? null };
    const definitions = createReadyDefinitions({ peek: get, get: async (id, version) => get(id, version) ?? null }, this.#outgoing);
    const deciding = {
      store: this.store,
      definitions,
      outgoing: this.#outgoing,
      limits: defaultRunLimits,
      now: () => this.tables.clock,
      continuation: true,
    };
    return new InstanceProcessor<Received>({
      ...deciding,
      births: createBirths({ ...deciding, latest }),
      observer: { ...silentObserver, onUnapplied: ({ notification }, error) => void this.unprocessable.push([notification, error]) },
    });
  }

  /** Both processes are new, and know nothing but what is stored. */
  restart(): void {
    this.#processor = this.#makeProcessor();
    this.#caches = [new StateCache(CACHE_BYTES), new StateCache(CACHE_BYTES)];
  }

  async begin(definitionId: string, input: Json = {}): Promise<this> {
    const definition = this.#definitions.get(definitionId)?.at(-1) ?? this.#never();
    await this.#outgoing.prepareQueues(['handlers', null]);
    const command = { instanceId: this.root, input, businessKey: null, by: 'tester', cause: 'rest:1' };
    const started = start(definition, command, this.tables.clock);
    if (!started.ok) throw new Error('the start was refused');
    await this.store.start([{ transition: transitionOf(this.#outgoing, 0, null, started.value), idempotency: null }]);
    await this.publish();
    return this;
  }

  /** The outbox leaves: notifications are on their way. */
  async publish(): Promise<void> {
    const rows = [...this.tables.outbox.rows];
    const last = rows.at(-1);
    if (last === undefined) return;
    this.tables.outbox.confirm(last.id);
    for (const row of rows) {
      if (row.topic === NOTIFICATIONS) this.bag.push(await this.#read(row));
      else if (row.topic.startsWith(`${PREFIX}.tasks`)) this.sent.push(row);
    }
  }

  async #read({ key, payload }: OutboxMessage): Promise<Received> {
    const record = {
      topic: NOTIFICATIONS,
      partition: 0,
      offset: this.#offset++,
      timestamp: 0,
      headers: [],
      key: Buffer.from(key),
      value: payload,
    };
    const read = await readNotification(record, this.#codec, 1_000_000);
    return read.ok && !isReferringRecord(read.received) ? read.received : this.#never();
  }

  /** @param by which of the two processes. */
  async apply(received: readonly Received[], by = this.#owner): Promise<void> {
    const byInstance = Map.groupBy(received, ({ instanceId }) => instanceId);
    const batches = [...byInstance].map(([instanceId, notifications]) => ({ instanceId, notifications }));
    this.unprocessable.push(...(await this.#processor.process(0, batches, this.#caches[by] ?? this.#never())));
    await this.publish();
  }

  /** All messages that are on their way, in their order, until none is left. */
  async applyAll(): Promise<this> {
    for (let round = 0; this.bag.length > 0; round++) {
      const types = this.bag.map(({ notification }) => notification.type);
      if (round === ROUNDS_MAX) throw new Error(`messages lead to messages without an end: ${types.join(', ')}`);
      await this.apply(this.bag.splice(0));
    }
    return this;
  }

  async command(instanceId: InstanceId, command: Order): Promise<void> {
    const commandId = commandIdFor(instanceIdOf(++this.#commands) as string as CommandIssued['commandId'], instanceId);
    const issued: CommandIssued = { type: 'CommandIssued', commandId, by: 'ada', command };
    this.bag.push(await this.#read(this.#outgoing.ofCommand(instanceId, issued, this.tables.clock)));
  }

  /** The worker's answer to each task of an instance that it has, open or awaited. */
  async works(instanceId: InstanceId, result: TaskOutcome['result'] = { status: 'completed', output: 'done' }): Promise<void> {
    const state = this.state(instanceId);
    const open = [...tasksOf(state)].filter(({ status }) => status === 'scheduled');
    for (const { path, attempt, basis } of [...open, ...awaitedWork(state)]) {
      const cause = `worker@${this.#offset++}`;
      const notification = { type: 'TaskOutcome', path, attempt, basis, result } as const;
      this.bag.push({ instanceId, cause, notification, record: this.#never as never });
    }
  }

  /** Time passes: timers fire, and children that were unheard of for long are asked after. */
  async passes(ms: number): Promise<this> {
    this.tables.clock += ms;
    await this.store.fireTimers(1_000, (timer) => this.#outgoing.ofTimer(timer), this.tables.clock);
    await this.store.askChildren(1_000, ({ childId, request }) => this.#outgoing.ofChildWord(childId, request, this.tables.clock));
    await this.publish();
    return this;
  }

  state(instanceId: InstanceId = this.root): InstanceState {
    return (this.tables.instances.get(instanceId) ?? this.#never()).state;
  }

  get states(): readonly InstanceState[] {
    return [...this.tables.instances.values()].map(({ state }) => state);
  }

  /** Instances of a definition, in the order of their ids. */
  of(definitionId: string): readonly InstanceState[] {
    return this.states.filter((state) => state.definitionId === definitionId).sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  }

  /** Something happens, as chance has it. */
  async act(chance: Chance): Promise<void> {
    const place = chance.below(Math.max(1, this.bag.length));
    const anyone = chance.pick(this.states) ?? this.#never();
    switch (chance.below(14)) {
      case 0: // A message is lost; a worker's answer and a command are not: they are sent again by those who wait for theirs.
        if (/^Child/.test(this.bag[place]?.notification.type ?? '')) this.bag.splice(place, 1);
        return;
      case 1:
        return await this.#orders(chance, anyone.instanceId);
      case 2:
        await this.passes(chance.pick([MINUTE_MS, 6 * MINUTE_MS, 70 * MINUTE_MS]) ?? 0);
        return;
      case 3:
      case 4:
        return await this.works(anyone.instanceId, chance.pick(outcomes));
      case 5: // The other process takes the partition over, and has none of its states yet.
        this.#owner = 1 - this.#owner;
        this.#caches[this.#owner] = new StateCache(CACHE_BYTES);
        return;
      default: {
        const message = this.bag[place];
        if (message === undefined) return;
        const isByZombie = chance.below(4) === 0;
        // What a zombie takes comes again, since its offset is refused; other messages come again now and then.
        if (!isByZombie && chance.below(4) > 0) this.bag.splice(place, 1);
        await this.apply([message], isByZombie ? 1 - this.#owner : this.#owner);
      }
    }
  }

  async #orders(chance: Chance, instanceId: InstanceId): Promise<void> {
    const orders: readonly Order[] = [
      { type: 'pause' },
      { type: 'resume' },
      { type: 'resume' },
      { type: 'retry', path: null },
      { type: 'retry', path: null },
      { type: 'cancel', reason: null },
    ];
    await this.command(instanceId, chance.pick(orders) ?? { type: 'resume' });
  }

  /** Nothing is lost any more, all work succeeds, people resume and retry: every tree comes to rest. */
  async rests(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await this.applyAll();
      if (this.isAtRest) return this.#check();
      for (const state of this.states) await this.#helps(state);
      // Time passes when nothing else is left to do, or a tree would time out while it is at work.
      if (this.bag.length === 0) await this.passes(6 * MINUTE_MS);
    }
    expect(
      this.states.map((state) => [state.definitionId, statusOf(state), state.childCount]),
      'every tree comes to rest',
    ).toEqual([]);
  }

  async #helps(state: InstanceState): Promise<void> {
    const { instanceId, paused } = state;
    if (hasEnded(state)) return;
    if (paused !== null) await this.command(instanceId, { type: 'resume' });
    else if (statusOf(state) === 'incident') await this.command(instanceId, { type: 'retry', path: null });
    await this.works(instanceId);
  }

  get isAtRest(): boolean {
    return this.bag.length === 0 && this.tables.children.size === 0 && this.states.every(hasEnded);
  }

  #check(): void {
    expect(this.unprocessable).toEqual([]);
    for (const { state, history } of this.tables.instances.values()) {
      expect(fold(state.instanceId, history)).toEqual(state);
      expect(areBooksEmpty(state)).toBe(true);
      const definition = this.#definitions.get(state.definitionId)?.[state.definitionVersion - 1] ?? this.#never();
      checkUndoing(new Map([[definition.version, definition]]), history);
      for (const { event } of history) {
        if (event.type !== 'TaskCompleted' || event.kind !== 'workflow') continue;
        const ended = history.findLast(({ seq, event: before }) => before.type === 'ChildEnded' && before.path === event.path && seq > 0);
        if (ended?.event.type === 'ChildEnded' && ended.event.result === 'completed')
          expect(this.state(ended.event.childId).phase, 'what a parent took is what that child came to').toBe('completed');
      }
    }
  }

  #never(): never {
    throw new Error('unreachable in this test');
  }
}

const outcomes: readonly TaskOutcome['result'][] = [
  { status: 'completed', output: 'done' },
  { status: 'completed', output: 'done' },
  { status: 'completed', output: 'done' },
  { status: 'failed', error: { code: 'BROKEN', message: 'it broke' }, retryable: false, retryAfterMs: null },
];
