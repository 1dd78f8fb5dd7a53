/** Sends the pages of bulk jobs: a job that is due is taken by one process only, and its rate is kept in its row. */
import type { JobPause } from '../../core/jobs/job.ts';
import { createJobCommands } from '../../engine/job/job-commands.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { Logger } from '../../service/logging.ts';
import type { Job, JobStore } from '../../store/jobs.ts';

export type JobTaskOptions = {
  readonly jobs: Pick<JobStore, 'advance'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofCommand' | 'partitionOf'>;
  /** Longest wait between two queries. */
  readonly intervalMs: number;
  readonly log: Logger;
  readonly onSent: (operation: Job['operation'], count: number) => void;
  /** A job paused by itself. */
  readonly onPaused: (why: JobPause['why']) => void;
};

/** The next job may be locked by another process, which sends its page, so an immediate query would find nothing. */
const PAUSE_MS_MIN = 10;

/** @returns the task for `service.repeat`, which resolves with the ms to wait. */
export function createJobTask({ jobs, outgoing, intervalMs, log, onSent, onPaused }: JobTaskOptions): () => Promise<number> {
  const commandsOf = createJobCommands(outgoing);
  return async () => {
    const { advanced, nextDueAt, now } = await jobs.advance(commandsOf);
    if (advanced === null) return nextDueAt === null ? intervalMs : Math.min(intervalMs, Math.max(PAUSE_MS_MIN, nextDueAt - now));
    const { job, sent } = advanced;
    if (sent > 0) onSent(job.operation, sent);
    tell(job, { log, onPaused });
    return 0;
  };
}

/** Whoever looks at the log sees when a job stops by itself, and when it is over. */
function tell({ jobId, operation, by, sent, status, pause }: Job, { log, onPaused }: Pick<JobTaskOptions, 'log' | 'onPaused'>): void {
  const of = { jobId, operation, by, sent };
  if (status === 'done') log.info(of, 'A job is done');
  if (status !== 'paused' || pause === null) return;
  onPaused(pause.why);
  if (pause.why === 'failures') log.warn(of, 'A job paused by itself, since too many of its commands were refused');
  else log.info(of, 'A job paused by itself, since its canary was sent: it goes on when a person resumes it');
}
