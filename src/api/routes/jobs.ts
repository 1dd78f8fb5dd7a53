/** Bulk jobs: create one, follow it, stop it. What it does is done by orchestrators. */
import { Type } from 'typebox';
import { uuidv7 } from 'uuidv7';
import { NoQuery } from '../../contract/common.ts';
import { Job, JobBody, JobPage, JobPreview, JobResultPage, JobResultsQuery, JobsQuery } from '../../contract/jobs.ts';
import { type JobId, parseJobId } from '../../core/ids.ts';
import type { JobAction } from '../../core/jobs/job.ts';
import type { InstanceFilter } from '../../store/instance-queries.ts';
import type { CountedJob, JobRequest } from '../../store/jobs.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { toSummary } from '../instance-view.ts';
import { toJob, toJobResult } from '../job-view.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { assertRunning, jobVersionOf, misplaced, verdictsOf } from './job-verdicts.ts';
import { instanceFilterOf } from './lookups.ts';
import { responses, security } from './schemas.ts';
import { idempotencyOf, keyReused } from './starts.ts';

const SAMPLE = 10;

const actions: { readonly [Action in JobAction]: string } = {
  pause: 'Send nothing more until it is resumed',
  resume: 'Go on after a pause, also one by itself',
  cancel: 'Send nothing more; what was sent stays',
};

export function addJobRoutes(app: ApiApp, context: RouteContext): void {
  const { jobs } = context.ports;
  const common = { tags: ['jobs'], security };
  const params = Type.Object({ id: Type.String() });

  app.post(
    '/jobs',
    {
      config: { permission: 'control' },
      schema: {
        ...common,
        operationId: 'createJob',
        summary: 'Give a command to all instances that a query finds',
        description:
          '201 with the job, which orchestrators carry out. With `dryRun` 200 with the number of instances and the first of them, of `migrate` with a verdict each. A repeat with the ' +
          'same `Idempotency-Key` creates nothing and gets the first job, for as long as that is kept.',
        querystring: NoQuery,
        headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ description: 'At most 255 printable characters.' })) }),
        body: JobBody,
        response: responses({ 200: JobPreview, 201: Job }, 404, 422),
      },
    },
    async (request, reply) => {
      const { body, headers } = request;
      const asked = requestOf(body, await jobVersionOf(context, body), keyOf(request).subject);
      if (body.dryRun === true) {
        const { selected, isMore, sample } = await jobs.preview(asked, SAMPLE);
        const verdicts = await verdictsOf(context, asked, sample);
        return reply.code(200).send({ selected, moreSelected: isMore, sample: sample.map(toSummary), verdicts });
      }
      const created = await jobs.create(asked, idempotencyOf(context, headers['idempotency-key'], body));
      if (created.kind === 'keyReused') throw keyReused('job');
      const { job } = created;
      return reply.code(201).header('location', `/v1/jobs/${job.jobId}`).send(toJob(job));
    },
  );

  app.get(
    '/jobs',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'listJobs',
        summary: 'Jobs, newest first',
        querystring: JobsQuery,
        response: responses({ 200: JobPage }),
      },
    },
    async ({ query: { status = null, limit, cursor = null } }) => {
      const { items, nextCursor } = await jobs.list(status, limit, cursor);
      return { items: items.map(toJob), nextCursor };
    },
  );

  app.get(
    '/jobs/:id',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'getJob',
        summary: 'A job, and how far it is',
        params,
        querystring: NoQuery,
        response: responses({ 200: Job }, 404),
      },
    },
    async (request) => toJob(await findJob(request.params.id)),
  );

  app.get(
    '/jobs/:id/results',
    {
      config: { permission: 'read' },
      schema: {
        ...common,
        operationId: 'listJobResults',
        summary: 'What became of each instance, refused ones first',
        params,
        querystring: JobResultsQuery,
        response: responses({ 200: JobResultPage }, 404),
      },
    },
    async ({ params: { id }, query: { result = null, limit, cursor = null } }) => {
      const { items, nextCursor } = await jobs.results(jobIdOf(id), result, limit, cursor);
      if (items.length === 0) await findJob(id);
      return { items: items.map(toJobResult), nextCursor };
    },
  );

  for (const action of ['pause', 'resume', 'cancel'] as const)
    app.post(
      `/jobs/:id/${action}`,
      {
        config: { permission: 'control' },
        schema: {
          ...common,
          operationId: `${action}Job`,
          summary: actions[action],
          params,
          querystring: NoQuery,
          body: Type.Object({}, { additionalProperties: false }),
          response: responses({ 200: Job }, 404, 409),
        },
      },
      async (request) => {
        const found = await jobs.act(jobIdOf(request.params.id), action, keyOf(request).subject);
        if (found === null) throw noJob();
        if (!found.acted) throw new ApiProblem('MR_JOB_STATUS', whyNot(found.job, action));
        return toJob(found.job);
      },
    );

  async function findJob(id: string): Promise<CountedJob> {
    const job = await jobs.get(jobIdOf(id));
    if (job === null) throw noJob();
    return job;
  }
}

function requestOf(body: JobBody, toVersion: number | null, by: string): JobRequest {
  const { operation, query = {}, all = false, reason = null, rate, canary = null, maxFailures = null } = body;
  const isEmpty = Object.keys(query).length === 0;
  if (isEmpty && !all) throw misplaced('/query', 'Give at least one filter, or `"all": true` for all instances.');
  if (!isEmpty && all) throw misplaced('/all', 'Give either a query or `"all": true`, not both.');
  const filter: InstanceFilter = instanceFilterOf(query);
  assertRunning(operation, filter.status);
  return { jobId: uuidv7() as JobId, operation, toVersion, filter, reason, by, rate, canary, maxFailures };
}

function whyNot({ status, isAllSent }: CountedJob, action: JobAction): string {
  if (status === 'done' || status === 'cancelled') return `The job is ${status}.`;
  if (isAllSent) return 'The job has sent everything: it waits for results.';
  return action === 'pause' ? 'The job is paused already.' : 'The job is not paused.';
}

function jobIdOf(text: string): JobId {
  const id = parseJobId(text);
  if (id === undefined) throw noJob();
  return id;
}

function noJob(): ApiProblem {
  return notFound('There is no such job.');
}
