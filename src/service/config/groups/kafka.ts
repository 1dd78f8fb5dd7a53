/** The brokers, and how to log in to them. */
import { Type } from 'typebox';
import { defineGroup, MINUTE, SECOND } from '../group.ts';
import { boolean, duration, list, oneOf, pem, string } from '../variable.ts';

export const kafka = defineGroup({
  title: 'Kafka',
  variables: {
    KAFKA_BROKERS: list(
      'broker',
      '`host:port`, several separated by commas; the Kafka client takes a name or an IPv4 address as the host',
      {
        description: 'Brokers to connect to first. A broker with an IPv6 address needs a name here.',
        default: '127.0.0.1:9092',
      },
    ),
    KAFKA_CLIENT_ID: string({ description: 'The name of this process in the logs and quotas of the brokers.', default: 'millrace' }),
    KAFKA_SSL: boolean({ description: 'Use TLS for the connections to the brokers.', default: false }),
    KAFKA_SSL_CA: Type.Optional(
      pem('CERTIFICATE', { description: 'Certificate authorities to trust instead of those that Node trusts by default.' }),
    ),
    KAFKA_SSL_CERT: Type.Optional(pem('CERTIFICATE', { description: 'Certificate of this client, for mutual TLS.' })),
    KAFKA_SSL_KEY: Type.Optional(pem('PRIVATE KEY', { description: 'Private key of KAFKA_SSL_CERT.', secret: true })),
    KAFKA_SASL_MECHANISM: Type.Optional(
      oneOf(['plain', 'scram-sha-256', 'scram-sha-512'], { description: 'How to log in to the brokers. Without it there is no login.' }),
    ),
    KAFKA_SASL_USERNAME: Type.Optional(string({ description: 'User name for the brokers.' })),
    KAFKA_SASL_PASSWORD: Type.Optional(string({ description: 'Password for the brokers.', secret: true })),
    KAFKA_SESSION_TIMEOUT: duration(6 * SECOND, 5 * MINUTE, {
      description:
        'How long the group waits for a silent consumer before others get its partitions; while it rebalances, half of it. A task may take far longer than this.',
      default: '6s',
    }),
  },
  together: {
    KAFKA_SASL_MECHANISM: ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
    KAFKA_SASL_USERNAME: ['KAFKA_SASL_MECHANISM'],
    KAFKA_SASL_PASSWORD: ['KAFKA_SASL_MECHANISM'],
    KAFKA_SSL_CERT: ['KAFKA_SSL_KEY'],
    KAFKA_SSL_KEY: ['KAFKA_SSL_CERT'],
  },
  check: ({ KAFKA_SSL, KAFKA_SSL_CA, KAFKA_SSL_CERT }) =>
    String(KAFKA_SSL) === 'false' && (KAFKA_SSL_CA !== undefined || KAFKA_SSL_CERT !== undefined)
      ? [{ name: 'KAFKA_SSL', given: '"false"', expected: '`true`, since certificates are set' }]
      : [],
  read: ({
    KAFKA_SSL_CA: ca = null,
    KAFKA_SSL_CERT: cert = null,
    KAFKA_SSL_KEY: key = null,
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
    ...values
  }): KafkaConfig => ({
    brokers: values.KAFKA_BROKERS,
    clientId: values.KAFKA_CLIENT_ID,
    ssl: values.KAFKA_SSL ? { ca, cert, key } : null,
    sasl: mechanism === undefined || username === undefined || password === undefined ? null : { mechanism, username, password },
    sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT,
  }),
});

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** PEM strings. */
  readonly ssl: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null } | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
  readonly sessionTimeoutMs: number;
};
