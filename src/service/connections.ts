/** The configuration in the form that the messaging adapters take. Plain values, so that neither folder imports the other. */
import type { Config } from './config.ts';

/** For `connectKafka`. */
export function kafkaOptions({ kafka, topics }: Pick<Config, 'kafka' | 'topics'>) {
  const { brokers, clientId, ssl, sasl } = kafka;
  return {
    brokers,
    clientId,
    ...(ssl === null ? {} : { ssl: withoutNulls(ssl) }),
    ...(sasl === null ? {} : { sasl }),
    maxMessageBytes: topics.maxMessageBytes,
  };
}

/** For `connectRegistry`. */
export function registryOptions({ registry }: Pick<Config, 'registry'>) {
  const { url, credentials } = registry;
  return { url, ...(credentials === null ? {} : credentials) };
}

/** For `topicSpecs` and `ensureTopics`. */
export function topicSettings({ topics }: Pick<Config, 'topics'>) {
  const { prefix, partitions, replicationFactor, maxMessageBytes, retentionMs } = topics;
  return { prefix, partitions, replication: replicationFactor, maxMessageBytes, retentionMs };
}

function withoutNulls({ ca, cert, key }: NonNullable<Config['kafka']['ssl']>): {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
} {
  return { ...(ca === null ? {} : { ca }), ...(cert === null ? {} : { cert }), ...(key === null ? {} : { key }) };
}
