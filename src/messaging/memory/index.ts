/**
 * The log in memory, for `millrace dev` and for tests: the port of Kafka in one process, without a broker. Nothing of it
 * is durable. Passes the contract suite that the log on Kafka passes.
 */

import type { Logger } from '../../core/logger.ts';
import type { Log } from '../log.ts';
import { createMemoryAdmin } from './admin.ts';
import { MemoryCluster } from './cluster.ts';
import { MemoryConsumer } from './consumer.ts';
import { MemoryProducer } from './producer.ts';

export type MemoryLogOptions = {
  /** Largest record of topics that do not say it themselves; default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** ms since the epoch, for the timestamps of records. */
  readonly now?: () => number;
};

export function createMemoryLog({ maxMessageBytes = 1_048_576, now = Date.now }: MemoryLogOptions, logger: Logger): Log {
  const cluster = new MemoryCluster();
  return {
    consumer: (options) => new MemoryConsumer(cluster, options, logger),
    producer: () => new MemoryProducer(cluster, { maxMessageBytes, now }),
    admin: () => createMemoryAdmin(cluster, { 'max.message.bytes': String(maxMessageBytes) }),
  };
}
