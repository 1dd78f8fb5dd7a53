/**
 * The connection of an admin client, opened at its first use. kafkajs keeps for minutes what it knows of leaders and partitions, and
 * throws what Kafka calls retriable: so calls are repeated for a while, and each repetition, and each call a while later, has a new
 * connection, which knows nothing of before. A broker that is away is not waited for here.
 */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { MillraceError } from '../../core/error.ts';
import { isRetriable, unavailable } from './errors.ts';

type Client = { connect(): Promise<void>; disconnect(): Promise<void> };

/** What was made for one connection. */
export type Opened<Admin extends Client> = { readonly admin: Admin; close(): void };

export type AdminConnectionOptions<Admin extends Client> = {
  readonly open: () => Opened<Admin>;
  /** How long what is known of the cluster is believed. */
  readonly metadataMaxAgeMs: number;
};

/** An election of leaders, or a topic that not every broker knows yet, takes less. */
const repeatMs = 6_000;
const delayMs = { initialDelay: 50, maxDelay: 500 };

type Connection<Admin extends Client> = Opened<Admin> & {
  readonly connected: Promise<void>;
  readonly openedAt: number;
  calls: number;
  /** Ends after its last call. */
  isRetired: boolean;
};

export class AdminConnection<Admin extends Client> {
  readonly #options: AdminConnectionOptions<Admin>;
  #current: Connection<Admin> | null = null;
  readonly #open = new Set<Connection<Admin>>();
  #isClosed = false;

  constructor(options: AdminConnectionOptions<Admin>) {
    this.#options = options;
  }

  /** @param what completes "Kafka could not …". @param work may run several times. */
  async run<Value>(what: string, work: (admin: Admin) => Promise<Value>): Promise<Value> {
    const deadline = performance.now() + repeatMs;
    const policy = retry(
      handleWhen((error) => !this.#isClosed && isRetriable(error) && performance.now() < deadline),
      { maxAttempts: Number.POSITIVE_INFINITY, backoff: new ExponentialBackoff(delayMs) },
    );
    try {
      return await policy.execute(() => this.#once(work));
    } catch (error) {
      throw unavailable(what, error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#current = null;
    await Promise.all([...this.#open].map((connection) => this.#end(connection)));
  }

  async #once<Value>(work: (admin: Admin) => Promise<Value>): Promise<Value> {
    const connection = this.#take();
    connection.calls++;
    try {
      await connection.connected;
      return await work(connection.admin);
    } catch (error) {
      this.#retire(connection);
      throw error;
    } finally {
      connection.calls--;
      // Nobody waits for the end of a connection that is not used any more.
      if (connection.isRetired && connection.calls === 0) void this.#end(connection);
    }
  }

  #take(): Connection<Admin> {
    if (this.#isClosed) throw new MillraceError('MR_KAFKA_UNAVAILABLE', 'This admin of Kafka is closed.', { retryable: true });
    const { open, metadataMaxAgeMs } = this.#options;
    const last = this.#current;
    if (last !== null && performance.now() - last.openedAt < metadataMaxAgeMs) return last;
    if (last !== null) this.#retire(last);
    const opened = open();
    const connection = { ...opened, connected: opened.admin.connect(), openedAt: performance.now(), calls: 0, isRetired: false };
    this.#open.add(connection);
    this.#current = connection;
    return connection;
  }

  #retire(connection: Connection<Admin>): void {
    connection.isRetired = true;
    if (this.#current === connection) this.#current = null;
    if (connection.calls === 0) void this.#end(connection);
  }

  async #end(connection: Connection<Admin>): Promise<void> {
    if (!this.#open.delete(connection)) return;
    try {
      await connection.admin.disconnect();
    } catch {
      // Its sockets are closed below, which is all that is wanted of it.
    } finally {
      connection.close();
    }
  }
}
