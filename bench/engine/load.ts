/**
 * The load of the benchmarks: starts instances by REST and reads their end from the lifecycle topic, as any caller could. An
 * instance counts when the caller has read that it has ended.
 */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { Pool } from 'undici';
import type { Json } from '../../src/core/json.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { LogConsumer } from '../../src/messaging/log.ts';
import { connectRegistry } from '../../src/messaging/registry.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions, registryOptions } from '../../src/service/connections.ts';

/** 256 bytes, passed through every step. */
export const input: Json = { pad: 'x'.repeat(246) };

/** `steps` tasks in sequence, each of which gets what the one before gave. @param continuation whether workers go on by themselves. */
export function sequence(steps: number, continuation: boolean): Json {
  const nodes = Array.from({ length: steps }, (_, n) => [
    `n${n}`,
    { type: 'task', task: 'bench.pass', input: n === 0 ? '${ input }' : `\${ nodes.n${n - 1}.output }` },
  ]);
  return {
    id: `bench-${steps}`,
    continuation,
    nodes: Object.fromEntries(nodes) as Json,
    edges: Array.from({ length: steps - 1 }, (_, n) => ({ from: `n${n}`, to: `n${n + 1}` })),
  };
}

export type Ended = { readonly latencyMs: number };

export class Load {
  readonly #http: Pool;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #consumer: LogConsumer;
  /** Instances under way: when they were meant to start, and who waits. */
  readonly #waiting = new Map<string, { readonly at: number; readonly resolve: (ended: Ended) => void }>();
  /** Ends that came before the answer to their start. */
  readonly #early = new Map<string, number>();
  refused = 0;

  private constructor(url: string, apiKey: string, consumer: LogConsumer) {
    this.#http = new Pool(url, { connections: 64, pipelining: 1, keepAliveTimeout: 60_000 });
    this.#headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    this.#consumer = consumer;
  }

  static async open(url: string, apiKey: string, env: Readonly<Record<string, string>>): Promise<Load> {
    const config = loadConfig(env, ['kafka', 'registry', 'topics']);
    const log = connectKafka(kafkaOptions(config), pino({ level: 'warn' }));
    const codec = createCodec({ registry: connectRegistry(registryOptions(config)) });
    let load: Load | undefined;
    const consumer = log.consumer({
      groupId: `bench-${randomUUID()}`,
      topics: [topicNames(config.topics.prefix).lifecycle],
      from: 'latest',
      handlers: {
        onBatch: ({ records }) => {
          for (const { value } of records) {
            const decoded = codec.decode(value ?? Buffer.alloc(0), ['InstanceChanged']);
            const read = (done: Awaited<typeof decoded>): void => {
              if (done.ok && done.value.change === 'ended') load?.ended(done.value.instanceId);
            };
            if (decoded instanceof Promise) void decoded.then(read);
            else read(decoded);
          }
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
    load = new Load(url, apiKey, consumer);
    await consumer.start();
    return load;
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  ended(instanceId: string): void {
    const waiting = this.#waiting.get(instanceId);
    if (waiting === undefined) {
      this.#early.set(instanceId, performance.now());
      return;
    }
    this.#waiting.delete(instanceId);
    waiting.resolve({ latencyMs: performance.now() - waiting.at });
  }

  /** @param at the planned time of the start: a delay counts as latency. */
  async run(definition: string, at = performance.now()): Promise<Ended> {
    const instanceId = await this.#start(definition);
    const early = this.#early.get(instanceId);
    if (early !== undefined) {
      this.#early.delete(instanceId);
      return { latencyMs: early - at };
    }
    return await new Promise<Ended>((resolve) => this.#waiting.set(instanceId, { at, resolve }));
  }

  async request(method: 'GET' | 'POST', path: string, body?: Json): Promise<{ readonly status: number; readonly body: Json }> {
    const response = await this.#http.request({
      method,
      path,
      headers: this.#headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.statusCode, body: (await response.body.json()) as Json };
  }

  async close(): Promise<void> {
    await this.#consumer.stop();
    await this.#http.close();
  }

  async #start(definition: string): Promise<string> {
    const { status, body } = await this.request('POST', `/v1/definitions/${definition}/instances`, { input });
    if (status !== 201) throw new Error(`a start was answered ${status}: ${JSON.stringify(body)}`);
    return (body as { readonly instanceId: string }).instanceId;
  }
}

/** Keeps `inFlight` instances under way for `seconds`, after `warmUp` seconds that do not count. */
export async function closedLoop(
  load: Load,
  definition: string,
  inFlight: number,
  warmUp: number,
  seconds: number,
): Promise<readonly number[]> {
  const latencies: number[] = [];
  const began = performance.now();
  const countFrom = began + warmUp * 1_000;
  const until = countFrom + seconds * 1_000;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        const { latencyMs } = await load.run(definition);
        const now = performance.now();
        if (now >= countFrom && now < until) latencies.push(latencyMs);
      }
    }),
  );
  return latencies;
}

/** Starts `count` instances at a fixed rate, also if they end slowly; latency counts from the planned time of each start. */
export async function openLoop(load: Load, definition: string, perSecond: number, count: number): Promise<readonly number[]> {
  const began = performance.now();
  const runs: Promise<Ended>[] = [];
  for (let n = 0; n < count; n++) {
    const at = began + (n * 1_000) / perSecond;
    const early = at - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    runs.push(load.run(definition, at));
  }
  return (await Promise.all(runs)).map(({ latencyMs }) => latencyMs);
}
