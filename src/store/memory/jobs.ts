/** Bulk jobs in memory: each page is one transaction, since nothing here waits. */
import type { EpochMs, InstanceId, JobId } from '../../core/ids.ts';
import { statusOf } from '../../core/instance/state/state.ts';
import {
  acted,
  afterPage,
  begunJob,
  type JobProgress,
  jobStatusesOf,
  pausedByItself,
  settled,
  turnOf,
  waiting,
} from '../../core/jobs/job.ts';
import { decodeCursor, encodeCursor, patterns } from '../cursor.ts';
import type { Page } from '../definition-store.ts';
import type { CommandResult, NewCommand } from '../instance-store.ts';
import {
  type CommandsOf,
  type CountedJob,
  JOB_CLOCK_MS,
  type Job,
  type JobCreation,
  type JobRequest,
  type JobResult,
  type JobSelection,
  type JobStep,
  type JobStore,
  selectedMax,
} from '../jobs.ts';
import { isInstance, rowOf } from './instance-queries.ts';
import { type List, page } from './pages.ts';
import type { MemoryInstance, MemoryJob, MemoryTables, StoredCommand } from './tables.ts';

const jobs: List<Job> = { name: 'jobs', patterns: [patterns.uuid], order: 'descending', position: ({ jobId }) => [jobId] };
const results = 'job-results';

type Selecting = Pick<JobRequest, 'operation' | 'toVersion' | 'filter'>;

export function createMemoryJobStore(tables: MemoryTables): JobStore {
  return {
    create: async (request, idempotency) => createJob(tables, request, idempotency),
    preview: async (selecting, limit) => ({
      ...countSelected(tables, selecting),
      sample: selected(tables, selecting)
        .slice(0, limit)
        .map(({ state }) => rowOf(state)),
    }),
    next: async (selecting, after, limit) =>
      selected(tables, selecting)
        .map(({ state }) => state.instanceId)
        .filter((id) => after === null || id > after)
        .slice(0, limit),
    async list(status, limit, cursor) {
      const found = [...tables.jobs.values()].filter((job) => status === null || job.status === status);
      return page(jobs, found, limit, cursor, (job) => counted(tables, job));
    },
    async get(jobId) {
      const job = tables.jobs.get(jobId);
      return job === undefined ? null : counted(tables, job);
    },
    results: async (jobId, status, limit, cursor) => resultsOf(tables, jobId, status, limit, cursor),
    async act(jobId, action, by) {
      const job = tables.jobs.get(jobId);
      if (job === undefined) return null;
      const { refused } = counted(tables, job);
      const progress = acted(job, action, { by, refused, now: tables.now() });
      if (progress === null) return { job: counted(tables, job), acted: false };
      return { job: counted(tables, save(tables, job, progress)), acted: true };
    },
    advance: async (commandsOf) => advance(tables, commandsOf),
  };
}

function createJob(tables: MemoryTables, request: JobRequest, idempotency: MemoryJob['idempotency']): JobCreation {
  const used = idempotency === null ? undefined : [...tables.jobs.values()].find((job) => job.idempotency?.key === idempotency.key);
  const first = used ?? tables.jobs.get(request.jobId);
  if (first !== undefined) {
    if (used !== undefined && used.idempotency?.bodyHash !== idempotency?.bodyHash) return { kind: 'keyReused' };
    return { kind: 'repeated', job: counted(tables, first) };
  }
  const createdAt = tables.now();
  const highestId = [...tables.instances.keys()].sort().at(-1) ?? null;
  const begun = begunJob(request, highestId === null, createdAt);
  const job = { ...request, ...countSelected(tables, request), ...begun, createdAt, cursor: null, highestId, idempotency };
  tables.jobs.set(job.jobId, job);
  return { kind: 'created', job: counted(tables, job) };
}

/** All that fit now, in the order of their ids. */
function selected(tables: MemoryTables, { operation, toVersion, filter }: Selecting): MemoryInstance[] {
  const statuses = jobStatusesOf(operation, filter.status);
  return [...tables.instances.values()]
    .filter(({ state }) => statuses.includes(statusOf(state)) && isInstance(tables, state, filter) && state.definitionVersion !== toVersion)
    .sort((a, b) => (a.state.instanceId < b.state.instanceId ? -1 : 1));
}

function countSelected(tables: MemoryTables, selecting: Selecting): JobSelection {
  const { length } = selected(tables, selecting);
  return { selected: Math.min(length, selectedMax), isMore: length > selectedMax };
}

function advance(tables: MemoryTables, commandsOf: CommandsOf): JobStep {
  const now = tables.now();
  const [due] = [...tables.jobs.values()]
    .filter(({ nextAt }) => nextAt !== null && nextAt <= now)
    .sort((a, b) => (a.nextAt ?? 0) - (b.nextAt ?? 0));
  const advanced = due === undefined ? null : advanceOne(tables, due, commandsOf, now);
  const later = [...tables.jobs.values()].flatMap(({ nextAt }) => (nextAt !== null && nextAt > now ? [nextAt] : []));
  return { advanced, now, nextDueAt: later.length === 0 ? null : Math.min(...later) };
}

function advanceOne(tables: MemoryTables, job: MemoryJob, commandsOf: CommandsOf, now: EpochMs): NonNullable<JobStep['advanced']> {
  const { refused, pending } = counted(tables, job);
  const turn = turnOf(job, refused, now);
  switch (turn.kind) {
    case 'send': {
      const found = nextInstances(tables, job, turn.limit + 1);
      const ids = found.slice(0, turn.limit);
      const sent = sendCommands(tables, job.jobId, commandsOf(job, ids, now), now);
      const cursor = ids.at(-1) ?? job.cursor;
      return { job: save(tables, { ...job, cursor }, afterPage(job, sent, found.length <= turn.limit, now)), sent };
    }
    case 'pause':
      return { job: save(tables, job, pausedByItself(job, turn.why, now)), sent: 0 };
    case 'wait':
      return { job: save(tables, job, waiting(job, turn.until)), sent: 0 };
    case 'settle':
      return { job: save(tables, job, settled(job, pending > 0, now)), sent: 0 };
  }
}

function nextInstances(tables: MemoryTables, job: Job, limit: number): readonly InstanceId[] {
  const { cursor, highestId, createdAt } = job;
  return selected(tables, job)
    .filter(({ state: { instanceId, startedAt } }) => {
      const isBehind = cursor === null || instanceId > cursor;
      return isBehind && highestId !== null && instanceId <= highestId && startedAt <= createdAt + JOB_CLOCK_MS;
    })
    .slice(0, limit)
    .map(({ state }) => state.instanceId);
}

function sendCommands(tables: MemoryTables, jobId: JobId, commands: readonly NewCommand[], at: EpochMs): number {
  const unknown = commands.filter(({ commandId }) => !tables.commands.has(commandId));
  const messages = unknown.map(({ message }) => message);
  tables.outbox.check(messages);
  for (const { commandId, instanceId, type, path, attempt, by } of unknown)
    tables.commands.set(commandId, { commandId, instanceId, type, path, attempt, by, at, jobId, result: { status: 'pending' } });
  tables.outbox.add(messages, at);
  return unknown.length;
}

function save(tables: MemoryTables, job: MemoryJob, progress: JobProgress): MemoryJob {
  const changed = { ...job, ...progress };
  tables.jobs.set(job.jobId, changed);
  return changed;
}

function commandsIn({ commands }: MemoryTables, jobId: JobId): readonly StoredCommand[] {
  return [...commands.values()].filter((command) => command.jobId === jobId);
}

function counted(tables: MemoryTables, { idempotency: _, ...job }: MemoryJob): CountedJob {
  const counts = { pending: 0, applied: 0, refused: 0 };
  for (const { result } of commandsIn(tables, job.jobId)) counts[result.status]++;
  return { ...job, ...counts };
}

function resultsOf(
  tables: MemoryTables,
  jobId: JobId,
  status: CommandResult['status'] | null,
  limit: number,
  cursor: string | null,
): Page<JobResult> {
  const after = cursor === null ? null : decodeCursor(results, cursor, [patterns.integer, /^[01]$/, patterns.uuid]);
  const asOf = after === null ? tables.now() : Number(after[0]);
  const positionOf = ({ result, instanceId }: StoredCommand): string =>
    `${result.status === 'refused' && result.at < asOf ? 0 : 1} ${instanceId}`;
  const found = commandsIn(tables, jobId)
    .filter((command) => status === null || command.result.status === status)
    .map((command) => ({ position: positionOf(command), command }))
    .filter(({ position }) => after === null || position > `${after[1]} ${after[2]}`)
    .sort((a, b) => (a.position < b.position ? -1 : 1));
  const kept = found.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(({ command: { commandId, instanceId, result } }) => ({ commandId, instanceId, result })),
    nextCursor:
      found.length > limit && last !== undefined
        ? encodeCursor(results, [asOf, Number(last.position.slice(0, 1)), last.command.instanceId])
        : null,
  };
}
