/** Processes that run tasks. */
import { Type } from 'typebox';
import { defineGroup, MIB } from '../group.ts';
import { boolean, integer, list, string } from '../variable.ts';

const PLACES =
  'host names, addresses and ranges, each with a port or without (`shop`, `10.0.0.5:8090`, `10.0.0.0/8:443`), separated by commas';

export const worker = defineGroup({
  title: 'Task workers',
  variables: {
    MILLRACE_CONCURRENCY: Type.Optional(
      integer(1, 10_000, {
        description: 'How many tasks of one queue a process runs at the same time. If it is not set, 200 for `http` and 50 for handlers.',
      }),
    ),
    MILLRACE_HTTP_ALLOW_PRIVATE: boolean({
      description:
        'Let `http` nodes reach private, local and metadata addresses. Everyone who can deploy a definition can then reach everything that this machine can reach.',
      default: false,
    }),
    MILLRACE_HTTP_ALLOW: list('networkPlace', PLACES, {
      description:
        'Hosts, addresses and ranges that `http` nodes may reach although they are not public: with a port that port alone, without one all.',
      default: '',
    }),
    MILLRACE_HTTP_DENY: list('networkPlace', PLACES, {
      description:
        'What `http` nodes may not reach although it is allowed or public, beside `KAFKA_BROKERS` and `SCHEMA_REGISTRY_URL`: name the databases, Kafka Connect and the API. An entry of MILLRACE_HTTP_ALLOW that names the same host with its port wins.',
      default: '',
    }),
    MILLRACE_SECRETS_DIR: Type.Optional(
      string({
        description:
          'Folder of files called as the secrets that tasks may use (`TOKEN` for `${ secrets.TOKEN }`), as Kubernetes mounts them. Where a file is missing, the variable `MILLRACE_SECRET_<name>` counts.',
      }),
    ),
    MILLRACE_HTTP_RESPONSE_LIMIT_BYTES: integer(1_024, 16 * MIB, {
      description: 'Largest response body of an `http` node in bytes.',
      default: 524_288,
    }),
    MILLRACE_HTTP_REDIRECTS: integer(0, 20, { description: 'How many redirects an `http` node follows.', default: 5 }),
  },
  read: (values) => ({
    /** null: 200 for `http`, 50 for handlers. */
    concurrency: values.MILLRACE_CONCURRENCY ?? null,
    httpAllowPrivate: values.MILLRACE_HTTP_ALLOW_PRIVATE,
    /** Host names, addresses and CIDR ranges, with a port or without. */
    httpAllow: values.MILLRACE_HTTP_ALLOW,
    httpDeny: values.MILLRACE_HTTP_DENY,
    /** null: secrets come from variables alone. */
    secretsDir: values.MILLRACE_SECRETS_DIR ?? null,
    httpResponseLimitBytes: values.MILLRACE_HTTP_RESPONSE_LIMIT_BYTES,
    httpRedirectsMax: values.MILLRACE_HTTP_REDIRECTS,
  }),
});
