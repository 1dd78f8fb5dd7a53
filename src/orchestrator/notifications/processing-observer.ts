/** Counts and logs the results of notifications. */

import type { ProcessingObserver } from '../../engine/process/decision.ts';
import type { Logger } from '../../service/logging.ts';
import type { OrchestratorMetrics } from '../orchestrator-metrics.ts';
import type { Received } from './read-notification.ts';

export function createProcessingObserver(log: Logger, metrics: OrchestratorMetrics): ProcessingObserver<Received> {
  return {
    onStatesRead: metrics.cache,
    onWritten: metrics.transaction,
    onConflicts: metrics.conflicts,
    onProcessed({ instanceId, notifications, result: { rejected }, isNewlyHeld, misfits }) {
      if (isNewlyHeld || misfits > 0) metrics.continued(Number(isNewlyHeld), misfits);
      if (misfits > 0) log.warn({ instanceId, misfits }, 'A worker goes on with what was decided otherwise here');
      for (const { notification, rejection } of rejected) {
        metrics.rejected(rejection.code);
        metrics.notified(notification.notification.type, 'rejected');
        log.debug({ instanceId, cause: notification.cause, ...rejection }, 'A notification changed nothing');
      }
      const refused = rejected.length === 0 ? null : new Set(rejected.map(({ notification }) => notification));
      const at = Date.now();
      for (const one of notifications) {
        if (refused?.has(one) !== true) metrics.notified(one.notification.type, 'applied');
        metrics.latency(at - one.record.timestamp);
      }
    },
    onUnapplied({ instanceId, cause, notification: { type } }, error, recordedAs) {
      log.error({ err: error, instanceId, cause, type, recordedAs }, 'A notification cannot be applied');
      metrics.notified(type, 'unapplied');
    },
  };
}
