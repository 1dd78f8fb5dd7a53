/** Kafka Connect, where Debezium runs. */
import { Type } from 'typebox';
import { defineGroup, SECOND } from '../group.ts';
import { duration, string, webUrl } from '../variable.ts';
import { credentialsOf } from './credentials.ts';

export const connect = defineGroup({
  title: 'Kafka Connect',
  variables: {
    KAFKA_CONNECT_URL: webUrl({
      description: 'REST API of Kafka Connect, where Debezium runs. For https see SCHEMA_REGISTRY_URL.',
      default: 'http://127.0.0.1:8083',
    }),
    KAFKA_CONNECT_USERNAME: Type.Optional(string({ description: 'User name for Kafka Connect.' })),
    KAFKA_CONNECT_PASSWORD: Type.Optional(string({ description: 'Password for Kafka Connect.', secret: true })),
    MILLRACE_CONNECTOR_POLL_INTERVAL: duration(1, 10 * SECOND, {
      description:
        'How often Debezium looks for new outbox rows. Every step takes at least this long; a shorter interval costs more CPU while Connect is idle.',
      default: '5ms',
    }),
    MILLRACE_CONNECTOR_SETTINGS: Type.Optional(
      string({
        description:
          'JSON file with settings that replace those of connect/connector.json, for example certificates or other names of secrets. A setting that the protocol relies on is refused; docs/deployment.md lists them.',
      }),
    ),
  },
  together: { KAFKA_CONNECT_USERNAME: ['KAFKA_CONNECT_PASSWORD'], KAFKA_CONNECT_PASSWORD: ['KAFKA_CONNECT_USERNAME'] },
  read: (values) => ({
    url: values.KAFKA_CONNECT_URL,
    credentials: credentialsOf(values.KAFKA_CONNECT_USERNAME, values.KAFKA_CONNECT_PASSWORD),
    pollIntervalMs: values.MILLRACE_CONNECTOR_POLL_INTERVAL,
    settingsFile: values.MILLRACE_CONNECTOR_SETTINGS ?? null,
  }),
});
