/** The two Postgres databases. */
import { Type } from 'typebox';
import { defineGroup } from '../group.ts';
import { integer, postgresUrl } from '../variable.ts';

export const databases = defineGroup({
  title: 'Postgres',
  variables: {
    DEFINITION_DATABASE_URL: postgresUrl({
      description:
        'Postgres URL of the definition database. Its parameter `sslmode`: `disable`, or none, does not encrypt; `prefer` and `no-verify` encrypt and check nothing; `require` checks the certificate only if `sslrootcert` names the authority; `verify-ca` checks it against `sslrootcert`, `verify-full` also checks the host name. There is no fallback from one mode to another, and no `allow`.',
    }),
    INSTANCE_DATABASE_URL: postgresUrl({
      description:
        'Postgres URL of the instance database, with `sslmode` as above. Debezium gets the same mode: `prefer` if there is none, `require` for `no-verify`.',
    }),
    REPLICATION_DATABASE_URL: Type.Optional(
      postgresUrl({
        description:
          'URL of the instance database for a user with REPLICATION, with `sslmode` as above. Only `millrace migrate` needs it, to create the replication slot.',
      }),
    ),
    MILLRACE_DATABASE_CONNECTIONS: integer(1, 500, {
      description:
        'The largest number of connections that one process keeps to each database. Events that wait for a lock may hold four connections of an orchestrator, so give it more.',
      default: 10,
    }),
  },
  read: (values) => ({
    definitions: values.DEFINITION_DATABASE_URL,
    instances: values.INSTANCE_DATABASE_URL,
    /** Only for creating the replication slot. */
    replication: values.REPLICATION_DATABASE_URL ?? null,
    /** Per process and database. */
    connections: values.MILLRACE_DATABASE_CONNECTIONS,
  }),
});
