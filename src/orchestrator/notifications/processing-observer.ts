/** Counts and logs the results of notifications. */

import type { ChildEnded } from '../../core/instance/history/events.ts';
import type { ProcessingObserver } from '../../engine/process/decision.ts';
import type { Logger } from '../../service/logging.ts';
import type { OrchestratorMetrics } from '../orchestrator-metrics.ts';
import type { Received } from './read-notification.ts';

export function createProcessingObserver(log: Logger, metrics: OrchestratorMetrics): ProcessingObserver<Received> {
  /** Nobody can tell whether the child ran. The node fails, unless it was detached: then this is all that is said of it. */
  const gone = (instanceId: string, { path, childId }: ChildEnded): void => {
    log.error({ instanceId, path, childId }, 'A child is gone: it was asked for long ago, and is not there');
    metrics.childGone();
  };
  return {
    onStatesRead: metrics.cache,
    onWritten: metrics.transaction,
    onConflicts: metrics.conflicts,
    onProcessed({ instanceId, notifications, result: { rejected, history }, isContinued, misfits }) {
      if (isContinued || misfits > 0) metrics.continued(Number(isContinued), misfits);
      if (misfits > 0) log.warn({ instanceId, misfits }, 'A worker goes on with what was decided otherwise here');
      for (const { notification, rejection } of rejected) {
        metrics.rejected(rejection.code);
        metrics.notified(notification.notification.type, 'rejected');
        log.debug({ instanceId, cause: notification.cause, ...rejection }, 'A notification changed nothing');
      }
      const refused = rejected.length === 0 ? null : new Set(rejected.map(({ notification }) => notification));
      const at = Date.now();
      for (const { event } of history) if (event.type === 'ChildEnded' && event.result === 'gone') gone(instanceId, event);
      for (const one of notifications) {
        if (refused?.has(one) !== true) metrics.notified(one.notification.type, 'applied');
        metrics.latency(at - one.record.timestamp);
      }
    },
    onBorn({ notification: { type }, record }) {
      metrics.notified(type, 'applied');
      metrics.latency(Date.now() - record.timestamp);
    },
    onDropped({ instanceId, cause, notification: { type } }) {
      metrics.notified(type, 'rejected');
      log.debug({ instanceId, cause, type }, 'A notification is for an instance that is not there');
    },
    onUnapplied({ instanceId, cause, notification: { type } }, error, recordedAs) {
      log.error({ err: error, instanceId, cause, type, recordedAs }, 'A notification cannot be applied');
      metrics.notified(type, 'unapplied');
    },
  };
}
