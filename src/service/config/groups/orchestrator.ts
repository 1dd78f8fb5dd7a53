/** Processes that move instances on. */
import { DAY, defineGroup, HOUR, MIB, MINUTE, SECOND } from '../group.ts';
import { duration, integer } from '../variable.ts';

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
      description: 'How long outbox rows are kept after Debezium has confirmed them.',
      default: '24h',
    }),
  },
  read: (values) => ({
    eventTtlMs: values.MILLRACE_EVENT_TTL,
    stateCacheBytes: values.MILLRACE_STATE_CACHE_BYTES,
    timerIntervalMs: values.MILLRACE_TIMER_INTERVAL,
    redispatchIntervalMs: values.MILLRACE_REDISPATCH_INTERVAL,
    probeIntervalMs: values.MILLRACE_PROBE_INTERVAL,
    outboxRetentionMs: values.MILLRACE_OUTBOX_RETENTION,
  }),
});
