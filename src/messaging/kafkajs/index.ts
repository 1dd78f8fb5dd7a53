/** The log on kafkajs. Never creates topics implicitly, never uses Kafka transactions or idempotent producers (protocol.md, "A step" 7). */
import type { KafkaConfig, SASLOptions } from 'kafkajs';
import type { Logger } from '../../core/logger.ts';
import type { Log, LogConsumerOptions } from '../log.ts';
import { defaultMaxMessageBytes } from '../topics.ts';
import { createAdmin } from './admin.ts';
import { type KafkaClient, openClient } from './client.ts';
import { registerCodecs } from './codecs.ts';
import { createConsumer } from './consumer.ts';
import { mendFetchDecoding } from './fetch-decoding.ts';
import { forwardLogs } from './logging.ts';
import { createProducer } from './producer.ts';
import { mendRecordEncoding } from './record-encoding.ts';
import { mendRequestQueue } from './request-queue.ts';
import type { ConsumerOptions } from './session.ts';

export type KafkaOptions = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** false or absent: no TLS. Strings are PEM. */
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly servername?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  /** Default 10 000: a broker that is silent for longer counts as unavailable. */
  readonly requestTimeoutMs?: number;
  /** How long a fetch waits for records, and how late a resumed partition is read at worst; default 50. */
  readonly fetchWaitMs?: number;
  /** How long it may take until partitions are read that were added to a topic; default 30 000. */
  readonly metadataMaxAgeMs?: number;
  /** Largest record of our topics; default 1 MiB. */
  readonly maxMessageBytes?: number;
};

const METADATA_AGE_MS = 30_000;
/** Largest fetch of one partition, unless a single batch is larger. */
const FETCH_BYTES = 1_048_576;
/**
 * A compressed batch may become this many times the limit of a message, or of a fetch if that is larger. Producers usually
 * compress to a tenth at most, a decompression bomb to a thousandth.
 */
const BATCH_GROWTH_MAX = 16;

export function connectKafka(options: KafkaOptions, logger: Logger): Log {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const fetchedBytesMax = BATCH_GROWTH_MAX * Math.max(maxMessageBytes, FETCH_BYTES);
  registerCodecs(fetchedBytesMax);
  mendFetchDecoding(fetchedBytesMax);
  mendRequestQueue();
  mendRecordEncoding();
  const config = kafkaConfig(options, logger);
  const open = (): KafkaClient => openClient(config);
  // A consumer that gives up joins again as another member, and the group waits for the first one until its session ends. So
  // consumers keep retrying while a broker restarts, and then continue at once.
  const openPatient = (): KafkaClient => openClient({ ...config, retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 30 } });
  return {
    consumer: (consumerOptions) => createConsumer(openPatient, consumerDefaults(options, consumerOptions), logger),
    producer: () => createProducer(open, { maxMessageBytes }, logger),
    admin: () => createAdmin(open, options.metadataMaxAgeMs ?? METADATA_AGE_MS),
  };
}

function consumerDefaults(
  { fetchWaitMs = 50, metadataMaxAgeMs = METADATA_AGE_MS }: KafkaOptions,
  consumerOptions: LogConsumerOptions,
): ConsumerOptions {
  return { fetchWaitMs, metadataMaxAgeMs, maxBytesPerPartition: FETCH_BYTES, ...consumerOptions };
}

/** Exported for its test. */
export function kafkaConfig(options: KafkaOptions, logger: Logger): KafkaConfig {
  const { ssl, sasl } = options;
  return {
    clientId: options.clientId,
    brokers: [...options.brokers],
    ...(ssl === undefined ? {} : { ssl: typeof ssl === 'object' ? { ...ssl } : ssl }),
    // The three mechanisms have the same options, but a type each in kafkajs.
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as SASLOptions }),
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: options.requestTimeoutMs ?? 10_000,
    // Few retries here; consumers and producers retry for ever by themselves, and log it.
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 4 },
    logCreator: () => forwardLogs(logger),
  };
}
