/** Processes that move instances on. */
import { parseDuration } from '../../../core/duration.ts';
import { CHILD_AGE_MS_MAX } from '../../../core/instance/children/age.ts';
import { DAY, defineGroup, HOUR, MIB, MINUTE, SECOND } from '../group.ts';
import { formatMs } from '../keywords.ts';
import { duration, durationOrOff, integer } from '../variable.ts';

export const orchestrator = defineGroup({
  title: 'Orchestrator',
  variables: {
    MILLRACE_EVENT_TTL: duration(SECOND, 30 * DAY, {
      description: 'How long an event is kept that no instance waits for.',
      default: '1h',
    }),
    MILLRACE_STATE_CACHE_BYTES: integer(0, 65_536 * MIB, {
      description: 'About how many bytes of instance states one orchestrator keeps in memory, which saves reading them. 0 keeps none.',
      default: 256 * MIB,
    }),
    MILLRACE_TIMER_INTERVAL: duration(10, MINUTE, {
      description: 'How often the database is asked for timers that are due.',
      default: '250ms',
    }),
    MILLRACE_REDISPATCH_INTERVAL: duration(SECOND, DAY, {
      description: 'How often open tasks without a record in flight are looked for and dispatched again.',
      default: '5m',
    }),
    MILLRACE_PROBE_INTERVAL: duration(SECOND, HOUR, {
      description: 'How often a probe is written to the outbox, whose record must come back from Kafka.',
      default: '30s',
    }),
    MILLRACE_OUTBOX_RETENTION: duration(MINUTE, 30 * DAY, {
      description:
        'How long outbox rows are kept after Debezium has confirmed them: so old is what can be published again. Less than 14 days together with `MILLRACE_TOPIC_RETENTION`.',
      default: '24h',
    }),
    MILLRACE_RETENTION_INSTANCES: durationOrOff(14 * DAY, 3_650 * DAY, {
      description:
        'How long instances are kept after their end, with their history and data; then they are deleted. Children are kept for 30 days at least. `off` keeps all of them for ever. Longer than records can come back from topics and outbox, so that none comes for an instance that is gone.',
      default: 'off',
    }),
    MILLRACE_RETENTION_JOBS: duration(HOUR, 3_650 * DAY, {
      description: 'How long bulk jobs that are done or cancelled are kept, with the results of their commands.',
      default: '30d',
    }),
  },
  check: ({ MILLRACE_OUTBOX_RETENTION: outbox, MILLRACE_TOPIC_RETENTION: topics }) => {
    const [outboxMs, topicsMs] = [outbox, topics].map((given) => parseDuration(String(given)));
    // What is published again as an old row stays in its topic as long as a new one.
    if (outboxMs === undefined || topicsMs === undefined || topicsMs > CHILD_AGE_MS_MAX - DAY) return [];
    if (outboxMs + topicsMs < CHILD_AGE_MS_MAX) return [];
    const expected = `less than ${formatMs(CHILD_AGE_MS_MAX)} together with MILLRACE_TOPIC_RETENTION, which is "${topics}"`;
    return [{ name: 'MILLRACE_OUTBOX_RETENTION', given: `"${outbox}"`, expected }];
  },
  read: (values) => ({
    eventTtlMs: values.MILLRACE_EVENT_TTL,
    stateCacheBytes: values.MILLRACE_STATE_CACHE_BYTES,
    timerIntervalMs: values.MILLRACE_TIMER_INTERVAL,
    redispatchIntervalMs: values.MILLRACE_REDISPATCH_INTERVAL,
    probeIntervalMs: values.MILLRACE_PROBE_INTERVAL,
    outboxRetentionMs: values.MILLRACE_OUTBOX_RETENTION,
    retention: { jobsMs: values.MILLRACE_RETENTION_JOBS, instancesMs: values.MILLRACE_RETENTION_INSTANCES },
  }),
});
