/**
 * Produces in the order of the calls, one request at a time. kafkajs sends each call by itself, so calls that arrive while a
 * request is under way are gathered into the next one. While the broker is unavailable it keeps everything and tries again.
 */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import type { Message, PartitionerArgs, Producer } from 'kafkajs';
import { MillraceError } from '../../core/error.ts';
import type { Logger } from '../../core/logger.ts';
import type { LogHeader, LogProducer, OutgoingRecord } from '../log.ts';
import { partitionOfKey } from '../partition.ts';
import { deadLetterExtraBytes } from '../topics.ts';
import type { OpenClient } from './client.ts';
import { refusalOf } from './errors.ts';

export type ProducerOptions = {
  /** Largest record of our topics. */
  readonly maxMessageBytes: number;
  /** `ready` waits while more than this is pending; default 16 MiB. */
  readonly pendingBytesMax?: number;
};

type Call = {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  readonly done: PromiseWithResolvers<void>;
};

/** Overhead of a record in a request, at most. */
const recordOverheadBytes = 80;

export function createProducer(open: OpenClient, options: ProducerOptions, logger: Logger): LogProducer {
  const client = open();
  const producer = client.kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: () => choosePartition,
    idempotent: false,
    // Only one request is sent at a time.
    maxInFlightRequests: 1,
  });
  const disconnect = async (): Promise<void> => {
    await producer.disconnect();
    client.close();
  };
  return new GatheringProducer({ connect: producer.connect, sendBatch: producer.sendBatch, disconnect }, options, logger);
}

export class GatheringProducer implements LogProducer {
  readonly #producer: Pick<Producer, 'connect' | 'disconnect' | 'sendBatch'>;
  readonly #logger: Logger;
  /** A partition's share of a request is one batch, which the topic's `max.message.bytes` bounds. */
  readonly #requestBytesMax: number;
  readonly #recordBytesMax: number;
  readonly #pendingBytesMax: number;
  readonly #stopped = new AbortController();
  #queue: Call[] = [];
  #pendingBytes = 0;
  #pendingRecords = 0;
  #connected = false;
  #sending: Promise<void> | null = null;
  #room = Promise.withResolvers<void>();

  constructor(producer: Pick<Producer, 'connect' | 'disconnect' | 'sendBatch'>, options: ProducerOptions, logger: Logger) {
    this.#producer = producer;
    this.#logger = logger;
    this.#requestBytesMax = options.maxMessageBytes - 1_024;
    this.#recordBytesMax = options.maxMessageBytes + deadLetterExtraBytes;
    this.#pendingBytesMax = options.pendingBytesMax ?? 16 * 1_048_576;
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#stopped.signal.aborted) throw stoppedError();
    if (records.length === 0) return;
    const sizes = records.map(sizeOf);
    if (sizes.some((size) => size > this.#recordBytesMax)) {
      throw new MillraceError('MR_RECORD_TOO_LARGE', `The record is larger than the ${this.#recordBytesMax} bytes that Kafka takes.`, {
        retryable: false,
      });
    }
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const call: Call = { records, bytes, done: Promise.withResolvers() };
    this.#queue.push(call);
    this.#pendingBytes += bytes;
    this.#pendingRecords += records.length;
    this.#sending ??= this.#sendPending();
    await call.done.promise;
  }

  async ready(): Promise<void> {
    while (this.#pendingBytes > this.#pendingBytesMax) await this.#room.promise;
  }

  pending(): { readonly records: number; readonly bytes: number } {
    return { records: this.#pendingRecords, bytes: this.#pendingBytes };
  }

  async stop(timeoutMs = 10_000): Promise<void> {
    // Aborting ends the retries, and what is still pending is rejected.
    const deadline = setTimeout(() => this.#stopped.abort(), timeoutMs);
    while (this.#sending !== null && !this.#stopped.signal.aborted) await Promise.race([this.#sending, this.#aborted()]);
    clearTimeout(deadline);
    this.#stopped.abort();
    for (const call of this.#queue.splice(0)) this.#settle(call, stoppedError());
    await this.#producer.disconnect();
  }

  async #aborted(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }

  async #sendPending(): Promise<void> {
    // All calls of the same turn go into the first request.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#stopped.signal.aborted) {
      const calls = this.#take();
      const failure = await this.#produce(calls);
      if (failure === null) for (const call of calls) this.#settle(call, null);
      else if (calls.length === 1 || !isRefusal(failure)) for (const call of calls) this.#settle(call, failure);
      // One refused record must not fail the calls that were gathered with it, so each is sent alone.
      else for (const call of calls) this.#settle(call, await this.#produce([call]));
    }
    this.#sending = null;
  }

  #take(): Call[] {
    let bytes = 0;
    let count = 0;
    for (const call of this.#queue) {
      if (count > 0 && bytes + call.bytes > this.#requestBytesMax) break;
      bytes += call.bytes;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Sends until it is acknowledged. @returns why it never can be, or null. */
  async #produce(calls: readonly Call[]): Promise<MillraceError | null> {
    const { signal } = this.#stopped;
    const policy = retry(
      handleWhen((error) => !signal.aborted && refusalOf(error) === null),
      { maxAttempts: Number.POSITIVE_INFINITY, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 2_000 }) },
    );
    policy.onRetry((failure) => {
      const err = 'error' in failure ? failure.error : undefined;
      const fields = { err, attempt: failure.attempt, retryInMs: Math.round(failure.delay), waiting: this.#pendingRecords };
      this.#logger.warn(fields, 'Kafka does not take records; trying again');
    });
    try {
      await policy.execute(async () => {
        if (signal.aborted) throw stoppedError();
        if (!this.#connected) await this.#producer.connect();
        this.#connected = true;
        await this.#producer.sendBatch({ acks: -1, topicMessages: topicMessagesOf(calls) });
      }, signal);
      return null;
    } catch (error) {
      return refusalOf(error) ?? (error instanceof MillraceError ? error : stoppedError(error));
    }
  }

  #settle(call: Call, failure: MillraceError | null): void {
    this.#pendingBytes -= call.bytes;
    this.#pendingRecords -= call.records.length;
    if (failure === null) call.done.resolve();
    else call.done.reject(failure);
    if (this.#pendingBytes <= this.#pendingBytesMax) {
      this.#room.resolve();
      this.#room = Promise.withResolvers();
    }
  }
}

/**
 * As Kafka's default partitioner chooses, in time that grows with the key's length only: that of kafkajs takes minutes for a key
 * of a megabyte, and blocks the event loop meanwhile. Without a key any partition with a leader is chosen.
 */
export function choosePartition({ partitionMetadata, message }: Pick<PartitionerArgs, 'partitionMetadata' | 'message'>): number {
  if (message.partition !== undefined && message.partition !== null) return message.partition;
  if (message.key !== undefined && message.key !== null) return partitionOfKey(Buffer.from(message.key), partitionMetadata.length);
  const led = partitionMetadata.filter(({ leader }) => leader >= 0);
  const among = led.length > 0 ? led : partitionMetadata;
  return among[Math.floor(Math.random() * among.length)]?.partitionId ?? 0;
}

function isRefusal(failure: MillraceError): boolean {
  return failure.code === 'MR_RECORD_TOO_LARGE' || failure.code === 'MR_RECORD_REFUSED';
}

function stoppedError(cause?: unknown): MillraceError {
  return new MillraceError('MR_PRODUCER_STOPPED', 'The producer was stopped before Kafka acknowledged the record.', {
    retryable: true,
    cause,
  });
}

function sizeOf(record: OutgoingRecord): number {
  const key = record.key === null ? 0 : Buffer.byteLength(record.key);
  const headers = (record.headers ?? []).reduce((sum, header) => sum + Buffer.byteLength(header.key) + header.value.length + 10, 0);
  return recordOverheadBytes + key + (record.value?.length ?? 0) + headers;
}

function topicMessagesOf(calls: readonly Call[]): { topic: string; messages: Message[] }[] {
  const byTopic = new Map<string, Message[]>();
  for (const { records } of calls) {
    for (const { topic, partition, key, value, headers } of records) {
      const messages = byTopic.get(topic) ?? [];
      byTopic.set(topic, messages);
      messages.push({
        key,
        value,
        ...(partition === undefined ? {} : { partition }),
        ...(headers === undefined ? {} : { headers: headersOf(headers) }),
      });
    }
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }));
}

function headersOf(headers: readonly LogHeader[]): Record<string, Buffer[]> {
  // Not by assignment: a header may have any name.
  return Object.fromEntries([...Map.groupBy(headers, ({ key }) => key)].map(([key, group]) => [key, group.map(({ value }) => value)]));
}
