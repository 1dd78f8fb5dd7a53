import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { createCodec } from '../messaging/codec.ts';
import { createMemoryLog } from '../messaging/memory/index.ts';
import { MemoryRegistry } from '../messaging/memory/registry.ts';
import { toQueueRecord } from '../messaging/records/queue-state.ts';
import { isRetryable, retryForever } from '../service/backoff.ts';
import { QueueStates } from './queue-states.ts';
import { silent } from './testing/fixture.ts';

const TOPIC = 'p.queues';

/** A log with the topic, unless a test makes it later, and processes that read it. */
class Lab {
  readonly registry = new MemoryRegistry();
  readonly codec = createCodec({ registry: this.registry });
  readonly log = createMemoryLog({}, silent);
  readonly #end = new AbortController();
  #processes = 0;

  static async open({ isMade = true } = {}): Promise<Lab> {
    const lab = new Lab();
    lab.registry.addRecord(TOPIC, 'QueueState');
    await lab.codec.prepare([{ topic: TOPIC, record: 'QueueState' }]);
    if (isMade) await lab.makeTopic();
    onTestFinished(() => lab.#end.abort());
    return lab;
  }

  async makeTopic(): Promise<void> {
    await this.log.admin().createTopics([{ topic: TOPIC, partitions: 1, replication: 1, config: {} }]);
  }

  async tell(queue: string, ...states: readonly boolean[]): Promise<void> {
    for (const isPaused of states) {
      const state = { queue, isPaused, by: 'ada', at: 1, reason: null };
      await this.log.producer().send([{ topic: TOPIC, key: queue, value: this.codec.encode('QueueState', TOPIC, toQueueRecord(state)) }]);
    }
  }

  /** @returns what the process was told of these queues, in order. */
  follow(queues: readonly string[], topicIsMade: () => Promise<void> = async () => undefined): string[] {
    const { signal } = this.#end;
    const retry = retryForever(isRetryable, signal, silent, { initialMs: 1, maxMs: 2 });
    // A reader of its own, as a process that has just started.
    const codec = createCodec({ registry: this.registry });
    const states = new QueueStates({ codec, log: this.log, logger: silent, retry, topic: TOPIC, groupId: `${TOPIC}.${++this.#processes}` });
    const told: string[] = [];
    for (const queue of queues) states.follow(queue, (isPaused) => told.push(`${queue} ${isPaused ? 'paused' : 'on'}`));
    states.start(signal, topicIsMade).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    onTestFinished(() => states.stop());
    return told;
  }
}

describe('The states of queues', () => {
  it('are told once everything was read that was there, the last of each queue', async () => {
    const lab = await Lab.open();
    await lab.tell('a', true, false, true);
    await lab.tell('b', true, false);
    const told = lab.follow(['a', 'b', 'c']);
    expect(told).toEqual([]);
    await eventually(() => expect(told).toEqual(['a paused', 'b on', 'c on']));
  });

  it('are told when they change, and not when they are only told again', async () => {
    const lab = await Lab.open();
    const told = lab.follow(['a', 'b']);
    await eventually(() => expect(told).toEqual(['a on', 'b on']));
    await lab.tell('a', true, true);
    await lab.tell('other', true);
    await lab.tell('a', false);
    await lab.tell('b', true);
    await eventually(() => expect(told.slice(2)).toEqual(['a paused', 'a on', 'b paused']));
  });

  it('are not known while the registry is away', async () => {
    const lab = await Lab.open();
    await lab.tell('a', true);
    lab.registry.available = false;
    const calls = lab.registry.calls.schemaById;
    const told = lab.follow(['a']);
    await eventually(() => expect(lab.registry.calls.schemaById).toBeGreaterThan(calls + 2));
    expect(told).toEqual([]);
    lab.registry.available = true;
    await eventually(() => expect(told).toEqual(['a paused']));
  });

  it('are those of no pause where the topic was not made yet, until it is', async () => {
    const lab = await Lab.open({ isMade: false });
    const made = Promise.withResolvers<void>();
    const told = lab.follow(['a'], () => made.promise);
    await eventually(() => expect(told).toEqual(['a on']));
    await lab.makeTopic();
    await lab.tell('a', true);
    made.resolve();
    await eventually(() => expect(told.at(-1)).toBe('a paused'));
  });

  it('outlast what is no state of a queue', async () => {
    const lab = await Lab.open();
    const producer = lab.log.producer();
    for (const value of [Buffer.from('{}'), null]) await producer.send([{ topic: TOPIC, key: 'a', value }]);
    await lab.tell('a', true);
    const told = lab.follow(['a']);
    await eventually(() => expect(told).toEqual(['a paused']));
  });
});
