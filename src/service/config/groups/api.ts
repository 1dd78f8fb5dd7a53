/** The REST API. */
import { Type } from 'typebox';
import { defineGroup, HOUR, MIB, MINUTE, SECOND } from '../group.ts';
import { duration, integer, matching } from '../variable.ts';

export const api = defineGroup({
  title: 'API',
  variables: {
    PORT: integer(0, 65_535, { description: 'Port of the REST API.', default: 8_080 }),
    MILLRACE_API_KEY: Type.Optional(
      matching('^[\\x21-\\x7e]{16,256}$', 'at least 16 printable characters without spaces', {
        description:
          'Bootstrap key, which is an admin key. If it is not set, one is generated and kept in the file `api-key` in MILLRACE_HOME, which only its owner can read. Changing it revokes the previous one.',
        secret: true,
      }),
    ),
    MILLRACE_BODY_LIMIT_BYTES: integer(1_024, 16 * MIB, { description: 'Largest request body in bytes.', default: MIB }),
    MILLRACE_WAIT_MAX: duration(SECOND, 10 * MINUTE, { description: 'Longest `?wait=` that a request may ask for.', default: '60s' }),
    MILLRACE_OUTBOX_AGE_MAX: duration(SECOND, HOUR, {
      description:
        'Starts are answered 503 while the oldest unpublished outbox row is older than this, or a probe of the orchestrators is on its way to Kafka for longer.',
      default: '30s',
    }),
    MILLRACE_START_WAIT_MAX: duration(10, MINUTE, {
      description: 'Starts are answered 429 while one would wait for the database for longer than this.',
      default: '100ms',
    }),
    MILLRACE_START_BYTES_MAX: integer(MIB, 1_024 * MIB, {
      description: 'Most bytes of the bodies of all starts that a process has taken and not written yet. Above it they are answered 429.',
      default: 64 * MIB,
    }),
    MILLRACE_BACKLOG_MAX: duration(SECOND, HOUR, {
      description:
        'Starts are answered 429 while what was started before needs longer than this to get through the outbox and the orchestrators.',
      default: '30s',
    }),
  },
  read: (values) => ({
    port: values.PORT,
    apiKey: values.MILLRACE_API_KEY ?? null,
    bodyLimitBytes: values.MILLRACE_BODY_LIMIT_BYTES,
    waitMaxMs: values.MILLRACE_WAIT_MAX,
    outboxAgeMaxMs: values.MILLRACE_OUTBOX_AGE_MAX,
    starts: {
      waitMsMax: values.MILLRACE_START_WAIT_MAX,
      bytesMax: values.MILLRACE_START_BYTES_MAX,
      backlogSecondsMax: values.MILLRACE_BACKLOG_MAX / SECOND,
    },
  }),
});
