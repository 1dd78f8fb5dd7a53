/**
 * What a bulk job does next: how many commands a page may send, when the job stops by itself, and what people may do with it. Both
 * stores ask this under the lock of the job's row. Pure: `now` is the clock of the instance database.
 */
import { assertNever } from '../assert.ts';
import type { EpochMs } from '../ids.ts';
import type { InstanceStatus } from '../instance/state/state.ts';

export const jobOperations = ['cancel', 'pause', 'resume', 'retry', 'migrate'] as const;
export type JobOperation = (typeof jobOperations)[number];

/** `done`: everything was sent, and each command has its result. `cancelled`: nothing more is sent. */
export const jobStatuses = ['running', 'paused', 'done', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** `canary`: the first instances were sent. `failures`: too many were refused. `person`: somebody paused it. */
export type JobPause = { readonly why: 'canary' | 'failures' | 'person'; readonly by: string | null; readonly at: EpochMs };

/** What whoever creates a job says about its pace. */
export type JobPace = {
  /** Commands a second. */
  readonly rate: number;
  /** After so many commands the job pauses by itself; null: it does not. */
  readonly canary: number | null;
  /** More refusals than these pause it; null: any number is borne. */
  readonly maxFailures: number | null;
};

/** What changes of a job. */
export type JobProgress = {
  readonly status: JobStatus;
  /** null unless it is paused. */
  readonly pause: JobPause | null;
  readonly sent: number;
  readonly isAllSent: boolean;
  /** Commands since then are counted against the rate. It moves ahead with each, and may have a fraction. */
  readonly pacedFrom: number;
  /** More refusals than these pause the job. A resume raises it, so that they count anew from there. */
  readonly failureLimit: number | null;
  /** When the job is to be looked at again; null: not before somebody acts. */
  readonly nextAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
};

export type JobTurn =
  | { readonly kind: 'send'; readonly limit: number }
  | { readonly kind: 'pause'; readonly why: 'failures' }
  | { readonly kind: 'wait'; readonly until: EpochMs }
  /** Nothing is left to send: results are awaited. */
  | { readonly kind: 'settle' };

/** Most commands of one page, which is one transaction. */
export const jobPageMax = 500;
/** How long a job that was held up may make up for. */
const BURST_MS = 1_000;
/** A page is a quarter of a second's work, so that a job does not come as a gush each second. */
const PAGES_A_SECOND = 4;
/** How often to ask whether the last commands have their results. */
const SETTLE_MS = 500;
/** Instants are kept in microseconds: so much of a command is lost by rounding. */
const ROUNDING = 0.01;

const openStatuses: readonly InstanceStatus[] = ['running', 'paused', 'incident', 'ending', 'undoing'];

/** Statuses in which an operation can have an effect. */
const statusesOf: { readonly [Operation in JobOperation]: readonly InstanceStatus[] } = {
  cancel: ['running', 'paused', 'incident'],
  pause: ['running', 'incident', 'ending', 'undoing'],
  resume: ['paused'],
  retry: ['incident'],
  migrate: ['running', 'paused', 'incident'],
};

/** Statuses of the instances that a job is for. @param asked what the query says; undefined: nothing. */
export function jobStatusesOf(operation: JobOperation, asked: InstanceStatus | undefined): readonly InstanceStatus[] {
  if (asked === undefined) return statusesOf[operation];
  return openStatuses.includes(asked) ? [asked] : [];
}

/** A job that begins at once. @param isEmpty there is no instance at all. */
export function begunJob({ rate, maxFailures }: JobPace, isEmpty: boolean, now: EpochMs): JobProgress {
  return {
    ...{ status: 'running', pause: null, sent: 0, isAllSent: isEmpty, failureLimit: maxFailures, nextAt: now, finishedAt: null },
    pacedFrom: now - (pageOf(rate) * 1_000) / rate,
  };
}

/** @param refused so many of its commands were; only looked at where there is a limit. */
export function turnOf(job: JobPace & JobProgress, refused: number, now: EpochMs): JobTurn {
  if (job.status === 'cancelled' || job.isAllSent) return { kind: 'settle' };
  if (job.failureLimit !== null && refused > job.failureLimit) return { kind: 'pause', why: 'failures' };
  const from = pacedFrom(job, now);
  const allowed = Math.floor(((now - from) * job.rate) / 1_000 + ROUNDING);
  if (allowed < 1) return { kind: 'wait', until: Math.ceil(from + 1_000 / job.rate) };
  return {
    kind: 'send',
    limit: Math.min(allowed, jobPageMax, job.canary !== null && job.sent < job.canary ? job.canary - job.sent : jobPageMax),
  };
}

/** @param isLast nothing fits behind this page. */
export function afterPage(job: JobPace & JobProgress, sent: number, isLast: boolean, now: EpochMs): JobProgress {
  const { canary, rate } = job;
  const progress = progressOf(job);
  const paced = pacedFrom(job, now) + (sent * 1_000) / rate;
  const next = { ...progress, sent: job.sent + sent, isAllSent: isLast, pacedFrom: paced };
  if (isLast) return { ...next, nextAt: now + SETTLE_MS };
  if (canary !== null && job.sent < canary && next.sent >= canary) return stopped(next, { why: 'canary', by: null, at: now });
  return { ...next, nextAt: Math.max(now, Math.ceil(paced + (pageOf(rate) * 1_000) / rate)) };
}

export function waiting(job: JobProgress, until: EpochMs): JobProgress {
  return { ...progressOf(job), nextAt: until };
}

export function pausedByItself(job: JobProgress, why: 'failures', now: EpochMs): JobProgress {
  return stopped(progressOf(job), { why, by: null, at: now });
}

/** Nothing is left to send. @param isPending some command has no result yet. */
export function settled(job: JobProgress, isPending: boolean, now: EpochMs): JobProgress {
  const progress = progressOf(job);
  if (isPending) return { ...progress, nextAt: now + SETTLE_MS };
  if (progress.status === 'cancelled') return { ...progress, nextAt: null };
  return { ...progress, status: 'done', nextAt: null, finishedAt: now };
}

export type JobAction = 'pause' | 'resume' | 'cancel';

/** @returns null where its status does not allow it. */
export function acted(
  job: JobPace & JobProgress,
  action: JobAction,
  { by, refused, now }: { readonly by: string; readonly refused: number; readonly now: EpochMs },
): JobProgress | null {
  const progress = progressOf(job);
  switch (action) {
    case 'pause':
      return job.status === 'running' && !job.isAllSent ? stopped(progress, { why: 'person', by, at: now }) : null;
    case 'resume':
      return job.status === 'paused'
        ? {
            ...progress,
            status: 'running',
            pause: null,
            failureLimit: job.maxFailures === null ? null : refused + job.maxFailures,
            nextAt: now,
          }
        : null;
    case 'cancel':
      return job.status === 'running' || job.status === 'paused'
        ? { ...progress, status: 'cancelled', pause: null, nextAt: now, finishedAt: now }
        : null;
    default:
      return assertNever(action);
  }
}

function stopped(progress: JobProgress, pause: JobPause): JobProgress {
  return { ...progress, status: 'paused', pause, nextAt: null };
}

function progressOf({ status, pause, sent, isAllSent, pacedFrom: from, failureLimit, nextAt, finishedAt }: JobProgress): JobProgress {
  return { status, pause, sent, isAllSent, pacedFrom: from, failureLimit, nextAt, finishedAt };
}

/** What was not used is lost after a second, so that a job that was held up does not come all at once. */
function pacedFrom(job: Pick<JobProgress, 'pacedFrom'>, now: EpochMs): number {
  return Math.max(job.pacedFrom, now - BURST_MS);
}

function pageOf(rate: number): number {
  return Math.min(Math.max(1, Math.floor(rate / PAGES_A_SECOND)), jobPageMax);
}
