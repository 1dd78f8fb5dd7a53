/**
 * P6: 50,000 instances wait for an event each, and events come at 1,000/s, by Kafka and by REST: from the planned time of an event
 * to the record of the task that follows it, as a worker would read it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type Codec, createCodec } from '../../src/messaging/codec.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { LogConsumer, LogProducer } from '../../src/messaging/log.ts';
import { toEventRecord } from '../../src/messaging/records/external-event.ts';
import { connectRegistry } from '../../src/messaging/registry.ts';
import { defaultQueue, topicNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions, registryOptions } from '../../src/service/connections.ts';
import { eventType, parked } from '../engine/definitions.ts';
import { openLoop } from '../engine/shapes.ts';
import type { Figure } from '../report/figures.ts';
import { type BenchLoad, deploy, inParallel, type LoadContext, measured, repeat } from './load.ts';

const PARKED = 50_000;
const EVENTS_PER_SECOND = 1_000;
/** An event whose task has not come within this time is lost for the figure. */
const GIVE_UP_MS = 30_000;
const STARTS_AT_ONCE = 100;

export const p6: BenchLoad = {
  name: 'P6',
  async run(context) {
    const { client, options, say } = context;
    const count = Math.round(PARKED * options.scale);
    const eventCount = EVENTS_PER_SECOND * options.seconds * options.runs * 2;
    const definition = parked(Math.ceil(eventCount / count) + 1);
    await deploy(context, definition);
    const prefix = randomUUID();
    const keyOf = (n: number): string => `${prefix}-${n % count}`;
    say(`  parking ${count} instances`);
    await inParallel(count, STARTS_AT_ONCE, async (n) => {
      const started = await client.start(definition.id, { key: keyOf(n) }, false);
      if (!started.isAccepted) throw new Error(`A start was answered ${started.status}: ${JSON.stringify(started.body)}`);
    });
    const events = await EventLoad.open(context);
    try {
      let next = 0;
      const measure = (by: 'Kafka' | 'REST'): Promise<Figure['runs']> =>
        repeat(options.runs, () =>
          measured(context, async () => {
            const open = await openLoop({
              ...{ perSecond: EVENTS_PER_SECOND, seconds: options.seconds },
              runOne: (at) => events.send(by, keyOf(next++), at),
            });
            const { latency: latencyMs, refused } = open;
            return { steps: latencyMs.count, values: { eventToTaskP99Ms: latencyMs.p99, lost: refused }, latencyMs };
          }),
        );
      const variant = (by: string): string => `${count} parked, events by ${by}`;
      return [
        { load: 'P6', variant: variant('Kafka'), main: 'eventToTaskP99Ms', runs: await measure('Kafka') },
        { load: 'P6', variant: variant('REST'), main: 'eventToTaskP99Ms', runs: await measure('REST') },
      ];
    } finally {
      await events.close();
    }
  },
};

/** Sends events and reads the tasks that follow them. The event's data, which the task gets as its input, tells which one it was. */
class EventLoad {
  readonly #client: LoadContext['client'];
  readonly #producer: LogProducer;
  readonly #consumer: LogConsumer;
  readonly #codec: Codec;
  readonly #topic: string;
  readonly #waiting = new Map<number, (at: number) => void>();
  #sent = 0;

  private constructor({ client, engine }: LoadContext) {
    const config = loadConfig(engine.env, ['kafka', 'registry', 'topics']);
    const log = connectKafka(kafkaOptions(config), pino({ level: 'warn' }));
    const names = topicNames(config.topics.prefix);
    this.#client = client;
    this.#topic = names.events;
    this.#codec = createCodec({ registry: connectRegistry(registryOptions(config)) });
    this.#producer = log.producer();
    this.#consumer = log.consumer({
      groupId: `bench-${randomUUID()}`,
      topics: [names.tasks(defaultQueue)],
      from: 'latest',
      handlers: {
        onBatch: ({ records }) => {
          for (const { value } of records) {
            const decoded = this.#codec.decode(value ?? Buffer.alloc(0), ['TaskScheduled']);
            if (decoded instanceof Promise) void decoded.then((done) => done.ok && this.#scheduled(done.value.input));
            else if (decoded.ok) this.#scheduled(decoded.value.input);
          }
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
  }

  static async open(context: LoadContext): Promise<EventLoad> {
    const load = new EventLoad(context);
    await load.#codec.prepare([{ topic: load.#topic, record: 'ExternalEvent' }]);
    await load.#consumer.start();
    return load;
  }

  /** @returns ms from `at` to the record of the task; null: it did not come. */
  async send(by: 'Kafka' | 'REST', key: string, at: number): Promise<number | null> {
    const n = this.#sent++;
    const came = new Promise<number>((resolve) => this.#waiting.set(n, resolve));
    const data = { n };
    if (by === 'REST') {
      const { status } = await this.#client.request('POST', '/v1/events', { type: eventType, key, data });
      if (status !== 202) return null;
    } else {
      const record = toEventRecord({ id: randomUUID(), type: eventType, source: 'bench', key, time: null, data });
      await this.#producer.send([{ topic: this.#topic, key, value: this.#codec.encode('ExternalEvent', this.#topic, record) }]);
    }
    const giveUp = new AbortController();
    const last = sleep(GIVE_UP_MS, null, { signal: giveUp.signal }).catch(() => null);
    const cameAt = await Promise.race([came, last]);
    giveUp.abort();
    this.#waiting.delete(n);
    return cameAt === null ? null : cameAt - at;
  }

  async close(): Promise<void> {
    await this.#consumer.stop();
    await this.#producer.stop();
  }

  #scheduled(text: string): void {
    const { n } = JSON.parse(text) as { readonly n?: number };
    if (n !== undefined) this.#waiting.get(n)?.(performance.now());
  }
}
