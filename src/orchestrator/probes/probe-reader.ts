/**
 * Reads the topic of probes and says of each that it came back. Every orchestrator has a group of its own and never commits: the
 * topic holds an hour, and what is not the last probe changes nothing.
 */
import type { Log, LogConsumer, LogRecord } from '../../messaging/log.ts';
import type { Logger } from '../../service/logging.ts';
import type { OutboxProbes } from '../../store/maintenance.ts';

export type ProbeReaderOptions = {
  readonly log: Log;
  readonly topic: string;
  readonly groupId: string;
  readonly probes: Pick<OutboxProbes, 'cameBack'>;
  readonly logger: Pick<Logger, 'warn'>;
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createProbeReader({ log, topic, groupId, probes, logger }: ProbeReaderOptions): LogConsumer {
  return log.consumer({
    groupId,
    topics: [topic],
    handlers: {
      onBatch({ records }) {
        const last = records.findLast((record) => idOf(record) !== null);
        const id = last === undefined ? null : idOf(last);
        if (id === null) return;
        // The next probe tells what this one could not.
        probes.cameBack(id).catch((error: unknown) => logger.warn({ err: error }, 'It was not noted that a probe came back'));
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
}

/** @returns null for what is no probe of ours, or did not arrive as it was written. */
function idOf({ key, value }: LogRecord): string | null {
  const [id, repeated] = [key?.toString('utf8'), value?.toString('utf8')];
  return id !== undefined && id === repeated && UUID.test(id) ? id : null;
}
