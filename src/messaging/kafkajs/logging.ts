/** Log lines of kafkajs. It logs each of its retries as an error, so the same line is passed on only once in a while. */
import type { LogEntry } from 'kafkajs';
import type { Logger } from '../../core/logger.ts';

/** kafkajs' level of errors; its warnings and below are for debugging. */
const errorLevel = 1;
const quietMs = 30_000;

export function forwardLogs(logger: Logger, now: () => number = () => performance.now()): (entry: LogEntry) => void {
  const toldAt = new Map<string, number>();
  return ({ level, namespace, log }) => {
    const fields = { kafkajs: namespace, broker: log.broker, groupId: log.groupId, detail: log.error };
    const last = toldAt.get(log.message);
    if (level !== errorLevel || (last !== undefined && now() - last < quietMs)) {
      logger.debug(fields, log.message);
      return;
    }
    // Messages may hold addresses and numbers, so their number is bounded.
    if (toldAt.size >= 100) toldAt.clear();
    toldAt.set(log.message, now());
    logger.warn(fields, `Kafka client: ${log.message}`);
  };
}
