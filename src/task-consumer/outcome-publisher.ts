/**
 * Sends outcomes and dead letters, and reports when the broker has acknowledged them. All of one iteration of the event loop go
 * into one call, so that ten thousand outcomes a second cost a few hundred promises. While the broker is unavailable the producer
 * waits. If the broker refuses a record for ever, only that record is reported as refused, and the rest of its call is sent again.
 */
import { MillraceError } from '../core/error.ts';
import type { LogProducer, OutgoingRecord } from '../messaging/log.ts';

export type Delivery<Subject> = { readonly subject: Subject; readonly record: OutgoingRecord };

export type PublisherHandlers<Subject> = {
  /** The broker has acknowledged them. */
  onDelivered(deliveries: readonly Delivery<Subject>[]): void;
  /** The broker refuses this one for ever (it is too large, for example). */
  onRefused(delivery: Delivery<Subject>, error: MillraceError): void;
  /** The producer was stopped before the broker acknowledged them. */
  onLost(deliveries: readonly Delivery<Subject>[], error: unknown): void;
};

const UNACKNOWLEDGED_RECORDS_MAX = 10_000;
const UNACKNOWLEDGED_BYTES_MAX = 64 * 1_048_576;

export class OutcomePublisher<Subject> {
  readonly #producer: LogProducer;
  readonly #handlers: PublisherHandlers<Subject>;
  #waiting: Delivery<Subject>[] = [];
  #records = 0;
  #bytes = 0;

  constructor(producer: LogProducer, handlers: PublisherHandlers<Subject>) {
    this.#producer = producer;
    this.#handlers = handlers;
  }

  /** false while too much is unacknowledged to begin new work: the broker is unavailable or slow. */
  get hasRoom(): boolean {
    return this.#records < UNACKNOWLEDGED_RECORDS_MAX && this.#bytes < UNACKNOWLEDGED_BYTES_MAX;
  }

  get unacknowledged(): number {
    return this.#records;
  }

  send(delivery: Delivery<Subject>): void {
    this.#records++;
    this.#bytes += sizeOf(delivery);
    if (this.#waiting.push(delivery) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const deliveries = this.#waiting;
    this.#waiting = [];
    void this.#deliver(deliveries);
  }

  async #deliver(deliveries: readonly Delivery<Subject>[]): Promise<void> {
    try {
      await this.#producer.send(deliveries.map(({ record }) => record));
    } catch (error) {
      return await this.#handleFailure(deliveries, error);
    }
    this.#release(deliveries);
    this.#handlers.onDelivered(deliveries);
  }

  async #handleFailure(deliveries: readonly Delivery<Subject>[], error: unknown): Promise<void> {
    const [first] = deliveries;
    if (!isRefusal(error) || first === undefined) {
      this.#release(deliveries);
      this.#handlers.onLost(deliveries, error);
    } else if (deliveries.length === 1) {
      this.#release(deliveries);
      this.#handlers.onRefused(first, error);
    } else {
      // The error does not say which record was refused, so each is sent alone. Those that were written already do no harm twice.
      for (const delivery of deliveries) await this.#deliver([delivery]);
    }
  }

  #release(deliveries: readonly Delivery<Subject>[]): void {
    this.#records -= deliveries.length;
    for (const delivery of deliveries) this.#bytes -= sizeOf(delivery);
  }
}

function isRefusal(error: unknown): error is MillraceError {
  return error instanceof MillraceError && (error.code === 'MR_RECORD_TOO_LARGE' || error.code === 'MR_RECORD_REFUSED');
}

function sizeOf({ record }: Delivery<unknown>): number {
  return record.value?.length ?? 0;
}
