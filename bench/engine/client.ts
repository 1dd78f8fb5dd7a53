/**
 * The client of the benchmarks: starts instances by REST and reads their end from a topic, as any caller could. An instance
 * counts when its end has been read. What it talks to is a `Target`, so that the floor is loaded by the same code as the engine.
 */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import type { Json } from '../../src/core/json.ts';
import type { Log, LogConsumer, LogRecord } from '../../src/messaging/log.ts';

export type Target = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Path of a start. */
  startPath(definition: string): string;
  startBody(input: Json): Json;
  readonly log: Log;
  /** Where ends are told. */
  readonly endsTopic: string;
  /** The instance whose end a record tells; null: it tells something else. */
  readEnd(record: LogRecord): Promise<string | null> | string | null;
};

/** When an end was read, by `performance.now()`. */
export type EndedAt = number;

export type Start =
  | { readonly isAccepted: true; readonly instanceId: string; readonly answeredAt: number }
  | { readonly isAccepted: false; readonly status: number; readonly answeredAt: number; readonly body: Json };

export type Answer = { readonly status: number; readonly body: Json };

/** Connections to the API; more requests than that wait here, and the wait counts as latency. */
const CONNECTIONS = 64;

export class Client {
  readonly #target: Target;
  readonly #http: Pool;
  readonly #consumer: LogConsumer;
  readonly #waiting = new Map<string, (at: EndedAt) => void>();
  /** Ends that came before the answer to their start. */
  readonly #early = new Map<string, EndedAt>();
  #starting = 0;
  /** Ends read since the client was opened. */
  endsRead = 0;

  private constructor(target: Target, connections: number) {
    this.#target = target;
    this.#http = new Pool(target.url, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
    this.#consumer = target.log.consumer({
      groupId: `bench-${randomUUID()}`,
      topics: [target.endsTopic],
      from: 'latest',
      handlers: {
        onBatch: ({ records }) => {
          for (const record of records) {
            const end = target.readEnd(record);
            if (end instanceof Promise) void end.then((id) => this.#ended(id));
            else this.#ended(end);
          }
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
  }

  static async open(target: Target, connections = CONNECTIONS): Promise<Client> {
    const client = new Client(target, connections);
    await client.#consumer.start();
    return client;
  }

  /** Instances whose end is awaited. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  /** Starts an instance and waits until its end was read. Throws when the start is refused. @param at the planned time. @returns ms since then. */
  async run(definition: string, input: Json, at = performance.now()): Promise<number> {
    const started = await this.start(definition, input, true);
    if (!started.isAccepted) throw new Error(`A start was answered ${started.status}: ${JSON.stringify(started.body)}`);
    return (await started.ended) - at;
  }

  /** As `run`, but null when the start is refused or fails. */
  async runIfAccepted(definition: string, input: Json, at: number): Promise<number | null> {
    try {
      const started = await this.start(definition, input, true);
      return started.isAccepted ? (await started.ended) - at : null;
    } catch {
      return null; // no answer
    }
  }

  /** @param isAwaited whether `ended` is going to be awaited; else nothing is kept of the instance. */
  async start(definition: string, input: Json, isAwaited: true): Promise<Start & { readonly ended: Promise<EndedAt> }>;
  async start(definition: string, input: Json, isAwaited: false): Promise<Start>;
  async start(definition: string, input: Json, isAwaited: boolean): Promise<Start & { readonly ended?: Promise<EndedAt> }> {
    this.#starting++;
    try {
      const { status, body } = await this.request('POST', this.#target.startPath(definition), this.#target.startBody(input));
      const answeredAt = performance.now();
      if (status !== 201) {
        const refused = { isAccepted: false, status, body, answeredAt } as const;
        return isAwaited ? { ...refused, ended: Promise.resolve(answeredAt) } : refused;
      }
      const { instanceId } = body as { readonly instanceId: string };
      const accepted = { isAccepted: true, instanceId, answeredAt } as const;
      return isAwaited ? { ...accepted, ended: this.#awaitEnd(instanceId) } : accepted;
    } finally {
      this.#starting--;
      // Told at least once: a repeat of an end, or that of an instance that nobody awaits, must not stay.
      if (this.#starting === 0) this.#early.clear();
    }
  }

  async request(method: 'GET' | 'POST', path: string, body?: Json): Promise<Answer> {
    const response = await this.#http.request({
      method,
      path,
      headers: this.#target.headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    return { status: response.statusCode, body: text === '' ? null : (JSON.parse(text) as Json) };
  }

  /** Throws on any other answer than one of success. */
  async must(method: 'GET' | 'POST', path: string, body?: Json): Promise<Json> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async close(): Promise<void> {
    await this.#consumer.stop();
    await this.#http.destroy();
  }

  async #awaitEnd(instanceId: string): Promise<EndedAt> {
    const early = this.#early.get(instanceId);
    if (early !== undefined) {
      this.#early.delete(instanceId);
      return early;
    }
    return await new Promise<EndedAt>((resolve) => this.#waiting.set(instanceId, resolve));
  }

  #ended(instanceId: string | null): void {
    if (instanceId === null) return;
    const resolve = this.#waiting.get(instanceId);
    this.endsRead++;
    if (resolve !== undefined) {
      this.#waiting.delete(instanceId);
      resolve(performance.now());
    } else if (this.#starting > 0) this.#early.set(instanceId, performance.now());
  }
}
