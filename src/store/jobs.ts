/**
 * Bulk jobs in the instance database: the port. A page of a job is one transaction under the lock of its row. What it selects is
 * frozen by the highest id that was there when it was created; whether an instance fits is asked when its turn comes. Counts are the
 * results of its commands, which are kept for as long as the job.
 */
import type { CommandId, EpochMs, InstanceId, JobId } from '../core/ids.ts';
import type { JobAction, JobOperation, JobPace, JobProgress, JobStatus } from '../core/jobs/job.ts';
import type { Page } from './definition-store.ts';
import type { InstanceFilter, InstanceRow } from './instance-queries.ts';
import type { CommandResult, NewCommand } from './instance-store.ts';

/** What a job is to do, to which instances, and at what pace. */
export type JobRequest = JobPace & {
  readonly jobId: JobId;
  readonly operation: JobOperation;
  /** Of `migrate`: the version to move to. Instances that are on it are none of the selection. null for every other operation. */
  readonly toVersion: number | null;
  /** Empty: all instances. */
  readonly filter: InstanceFilter;
  readonly reason: string | null;
  readonly by: string;
};

export type JobSelection = {
  /** How many fitted when it was created, up to `selectedMax`. */
  readonly selected: number;
  readonly isMore: boolean;
};

/** A job as its row holds it. */
export type Job = JobRequest &
  JobProgress &
  JobSelection & {
    readonly createdAt: EpochMs;
    /** Behind the last instance whose turn has come; null: none has. */
    readonly cursor: InstanceId | null;
    /** The last one that was there when the job was created; null: none was. */
    readonly highestId: InstanceId | null;
  };

export type JobCounts = { readonly pending: number; readonly applied: number; readonly refused: number };
export type CountedJob = Job & JobCounts;

export type JobResult = { readonly commandId: CommandId; readonly instanceId: InstanceId; readonly result: CommandResult };

export type JobCreation =
  | { readonly kind: 'created' | 'repeated'; readonly job: CountedJob }
  /** The idempotency key was used with another body. Nothing was written. */
  | { readonly kind: 'keyReused' };

/** Pure, and makes the same of the same: a page that conflicts is tried again. */
export type CommandsOf = (job: Job, instanceIds: readonly InstanceId[], now: EpochMs) => readonly NewCommand[];

export type JobStep = {
  /** A job that was looked at, as it is since, and how many commands were sent; null: none was due. */
  readonly advanced: { readonly job: Job; readonly sent: number } | null;
  /** Of the next job that is not due yet. */
  readonly nextDueAt: EpochMs | null;
  readonly now: EpochMs;
};

/** Instances are counted up to here before a job begins. */
export const selectedMax = 100_000;

/**
 * An instance is of the selection only if it started before the job, or so short a time after it: the clocks of the processes that
 * start instances differ a little from the database's.
 */
export const JOB_CLOCK_MS = 1_000;

export interface JobStore {
  /** @param idempotency the key holds for as long as the job is kept. */
  create(request: JobRequest, idempotency: { readonly key: string; readonly bodyHash: string } | null): Promise<JobCreation>;
  /** What a job would be for, and the first of them. Nothing is written. */
  preview(
    request: Pick<JobRequest, 'operation' | 'toVersion' | 'filter'>,
    limit: number,
  ): Promise<JobSelection & { readonly sample: readonly InstanceRow[] }>;
  /** The next ones that a job would be for, in the order of their ids. @param after behind this one; null: from the first one on. */
  next(
    selecting: Pick<JobRequest, 'operation' | 'toVersion' | 'filter'>,
    after: InstanceId | null,
    limit: number,
  ): Promise<readonly InstanceId[]>;
  /** Newest first. */
  list(status: JobStatus | null, limit: number, cursor: string | null): Promise<Page<CountedJob>>;
  get(jobId: JobId): Promise<CountedJob | null>;
  /** Refused ones first, then by instance. A result that comes while pages are read moves nothing. */
  results(jobId: JobId, status: CommandResult['status'] | null, limit: number, cursor: string | null): Promise<Page<JobResult>>;
  /** @returns null: there is no such job. `acted` false: its status does not allow it, and nothing was written. */
  act(jobId: JobId, action: JobAction, by: string): Promise<{ readonly job: CountedJob; readonly acted: boolean } | null>;
  /** Takes a job that is due (SKIP LOCKED) and sends its next page, in one transaction. */
  advance(commandsOf: CommandsOf): Promise<JobStep>;
}
