/**
 * Whether the topic of notifications keeps records longer than starts of children are applied, as an administrator may have set it
 * by hand. Nothing runs twice then: a start that is too old is told as gone, and its node fails though its child never ran. So
 * it is said, and nothing is stopped.
 */
import { CHILD_AGE_MS_MAX } from '../../core/instance/children/age.ts';
import type { LogAdmin } from '../../messaging/log.ts';
import type { Logger } from '../../service/logging.ts';

export type NotificationRetentionOptions = {
  readonly admin: Pick<LogAdmin, 'describeTopics'>;
  readonly topic: string;
  /** How long after it was written a row of the outbox may be published again. */
  readonly outboxRetentionMs: number;
  readonly log: Pick<Logger, 'warn'>;
};

const DAY_MS = 24 * 3_600_000;

/** @returns the task for `service.repeat`: each day, since the topic may be changed while processes run. */
export function createNotificationRetentionTask({ admin, topic, outboxRetentionMs, log }: NotificationRetentionOptions) {
  return async (): Promise<number> => {
    const [found] = await admin.describeTopics([topic]);
    const retentionMs = Number(found?.config['retention.ms'] ?? 0);
    // -1: for ever.
    if (retentionMs < 0 || retentionMs + outboxRetentionMs >= CHILD_AGE_MS_MAX)
      log.warn(
        { topic, retentionMs, outboxRetentionMs },
        'The topic keeps records so long that starts of children which are too old may be read again: run "millrace topics", which sets retention.ms to MILLRACE_TOPIC_RETENTION',
      );
    return DAY_MS;
  };
}
