/** Processes that run tasks. */
import { Type } from 'typebox';
import { defineGroup, MIB } from '../group.ts';
import { boolean, integer, list } from '../variable.ts';

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
    MILLRACE_HTTP_ALLOW: list('hostOrRange', 'host names, addresses and ranges such as `10.0.0.0/8`, separated by commas', {
      description: 'Hosts, addresses and ranges that `http` nodes may reach although they are not public.',
      default: '',
    }),
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
    /** Host names, addresses and CIDR ranges. */
    httpAllow: values.MILLRACE_HTTP_ALLOW,
    httpResponseLimitBytes: values.MILLRACE_HTTP_RESPONSE_LIMIT_BYTES,
    httpRedirectsMax: values.MILLRACE_HTTP_REDIRECTS,
  }),
});
