/** How workers reach payloads that are too large for Kafka. */
import { Type } from 'typebox';
import { defineGroup } from '../group.ts';
import { matching } from '../variable.ts';

export const references = defineGroup({
  title: 'Large payloads',
  variables: {
    MILLRACE_URL: Type.Optional(
      matching('^https?://\\S+$', 'an address such as `http://127.0.0.1:8080`', {
        description:
          'Where workers and `millrace task-consumer` reach the REST API, for inputs and outputs above MILLRACE_REFERENCE_BYTES.',
      }),
    ),
    MILLRACE_WORKER_API_KEY: Type.Optional(
      matching('^[\\x21-\\x7e]{16,256}$', 'at least 16 printable characters without spaces', {
        description:
          'Key of the role `worker`, by which workers get inputs and leave outputs. Given to the API too, it is installed there; changing it revokes the previous one.',
        secret: true,
      }),
    ),
  },
  read: (values) => ({ url: values.MILLRACE_URL ?? null, workerKey: values.MILLRACE_WORKER_API_KEY ?? null }),
});
