/** Bulk jobs as REST shows them. Pure. */
import type * as contract from '../contract/jobs.ts';
import type { CountedJob, JobResult } from '../store/jobs.ts';
import { toText } from './instance-view.ts';

export function toJob(job: CountedJob): contract.Job {
  const { jobId, operation, toVersion, filter, reason, by, status, pause, rate, canary, maxFailures } = job;
  const { startedFrom, startedTo, ...same } = filter;
  return {
    ...{ jobId, operation, toVersion, reason, by, status, rate, canary, maxFailures },
    query: {
      ...same,
      ...(startedFrom === undefined ? {} : { startedFrom: toText(startedFrom) }),
      ...(startedTo === undefined ? {} : { startedTo: toText(startedTo) }),
    },
    paused: pause === null ? null : { why: pause.why, by: pause.by, at: toText(pause.at) },
    ...{ selected: job.selected, moreSelected: job.isMore },
    ...{ sent: job.sent, pending: job.pending, applied: job.applied, refused: job.refused },
    createdAt: toText(job.createdAt),
    finishedAt: job.finishedAt === null ? null : toText(job.finishedAt),
  };
}

export function toJobResult({ instanceId, commandId, result }: JobResult): contract.JobResult {
  const of = { instanceId, commandId, result: result.status };
  if (result.status === 'pending') return { ...of, code: null, reason: null, at: null };
  const { code, reason } = result.status === 'refused' ? result : { code: null, reason: null };
  return { ...of, code, reason, at: toText(result.at) };
}
