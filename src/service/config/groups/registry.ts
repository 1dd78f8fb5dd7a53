/** The schema registry. */
import { Type } from 'typebox';
import { defineGroup } from '../group.ts';
import { string, webUrl } from '../variable.ts';
import { credentialsOf } from './credentials.ts';

export const registry = defineGroup({
  title: 'Schema registry',
  variables: {
    SCHEMA_REGISTRY_URL: webUrl({
      description:
        'The Confluent-compatible API of the schema registry. With https, Node must trust its certificate: NODE_EXTRA_CA_CERTS names a file with certificate authorities of your own.',
      default: 'http://127.0.0.1:8081/apis/ccompat/v7',
    }),
    SCHEMA_REGISTRY_USERNAME: Type.Optional(string({ description: 'User name for the schema registry.' })),
    SCHEMA_REGISTRY_PASSWORD: Type.Optional(string({ description: 'Password for the schema registry.', secret: true })),
  },
  together: {
    SCHEMA_REGISTRY_USERNAME: ['SCHEMA_REGISTRY_PASSWORD'],
    SCHEMA_REGISTRY_PASSWORD: ['SCHEMA_REGISTRY_USERNAME'],
  },
  read: (values) => ({
    url: values.SCHEMA_REGISTRY_URL,
    credentials: credentialsOf(values.SCHEMA_REGISTRY_USERNAME, values.SCHEMA_REGISTRY_PASSWORD),
  }),
});
