/**
 * Reads the topic of probes and records that they came back. Every orchestrator has a group of its own and never commits: the
 * topic holds an hour, and only the last probe counts.
 */
import { handleWhenResult, IterableBackoff, retry } from 'cockatiel';
import type { Log, LogConsumer, LogRecord } from '../../messaging/log.ts';
import { visibleAfterMs as defaultVisibleAfterMs } from '../../messaging/visible-after.ts';
import type { Logger } from '../../service/logging.ts';
import type { OutboxProbes } from '../../store/maintenance.ts';

export type ProbeReaderOptions = {
  readonly log: Log;
  readonly topic: string;
  readonly groupId: string;
  readonly probes: Pick<OutboxProbes, 'cameBack'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Ends the looking. */
  readonly signal: AbortSignal;
  /** How long a probe that is not the last one is looked for again, in ms; default about 5 s. */
  readonly visibleAfterMs?: readonly number[];
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createProbeReader(options: ProbeReaderOptions): LogConsumer {
  const { log, topic, groupId, probes, logger, signal, visibleAfterMs = defaultVisibleAfterMs } = options;
  const untilVisible = retry(
    handleWhenResult((isLast) => isLast === false),
    { maxAttempts: visibleAfterMs.length, backoff: new IterableBackoff([...visibleAfterMs]) },
  );
  return log.consumer({
    groupId,
    topics: [topic],
    handlers: {
      onBatch({ records }) {
        const last = records.findLast((record) => idOf(record) !== null);
        const id = last === undefined ? null : idOf(last);
        if (id === null) return;
        // If this fails, the next probe shows that publishing works.
        untilVisible
          .execute(async () => signal.aborted || (await probes.cameBack(id)))
          .catch((error: unknown) => logger.warn({ err: error }, 'Could not record that a probe came back'));
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
}

/** @returns null for a record that is not a probe, or was changed on its way. */
function idOf({ key, value }: LogRecord): string | null {
  const [id, repeated] = [key?.toString('utf8'), value?.toString('utf8')];
  return id !== undefined && id === repeated && UUID.test(id) ? id : null;
}
