/** Bulk jobs as REST shows them. */
import { type Static, Type } from 'typebox';
import { jobOperations, jobStatuses } from '../core/jobs/job.ts';
import { Instant, Nullable, NullableInstant, NullableString, PageOf, PageQuery, StorableString, strict } from './common.ts';
import { InstanceFilter, InstanceSummary, MigrationAnswer } from './instances.ts';

const Operation = Type.Enum([...jobOperations], { description: 'The command that each instance gets.' });
const Status = Type.Enum([...jobStatuses], {
  description: '`done`: everything was sent, and each command has its result. `cancelled`: nothing more is sent.',
});
const Result = Type.Enum(['pending', 'applied', 'refused']);

export const JobBody = Type.Object(
  {
    operation: Operation,
    query: Type.Optional(InstanceFilter),
    toVersion: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 2_147_483_647 }), Type.Literal('latest')], {
        description: 'Of `migrate`: the version to move to, its number or `latest`. The query must name the definition.',
      }),
    ),
    all: Type.Optional(Type.Literal(true, { description: 'All instances, in the place of a query.' })),
    reason: Type.Optional(StorableString(1_000, 'Kept with the job; the reason of each instance that it cancels.')),
    rate: Type.Integer({ minimum: 1, maximum: 10_000, default: 100, description: 'Most commands a second.' }),
    canary: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'After so many instances the job pauses, until somebody resumes it.' }),
    ),
    maxFailures: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        description: 'More refusals than these pause the job. Default: any number is borne.',
      }),
    ),
    dryRun: Type.Optional(Type.Boolean({ description: 'true: says what the job would be for, and creates none.' })),
  },
  strict,
);

export const VerdictsBody = Type.Object(
  {
    query: InstanceFilter,
    toVersion: Type.Union([Type.Integer({ minimum: 1, maximum: 2_147_483_647 }), Type.Literal('latest')], {
      description: 'The version to move to, its number or `latest`. The query must name the definition.',
    }),
    limit: Type.Integer({
      minimum: 1,
      maximum: 500,
      default: 50,
      description: 'Most verdicts of a page. It may have fewer, see `nextCursor`.',
    }),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000, description: '`nextCursor` of the page before.' })),
  },
  strict,
);
export const VerdictsPage = PageOf(MigrationAnswer);

export const Job = Type.Object({
  jobId: Type.String(),
  operation: Operation,
  toVersion: Nullable(Type.Integer({ description: 'Of `migrate`: the version to move to.' })),
  query: InstanceFilter,
  reason: NullableString(),
  by: Type.String(),
  status: Status,
  paused: Nullable(
    Type.Object({
      why: Type.Enum(['canary', 'failures', 'person'], {
        description: '`canary`: the first instances were sent. `failures`: more commands were refused than `maxFailures`.',
      }),
      by: NullableString('null: it paused by itself.'),
      at: Instant,
    }),
  ),
  rate: Type.Integer(),
  canary: Nullable(Type.Integer()),
  maxFailures: Nullable(Type.Integer()),
  selected: Type.Integer({ description: 'How many instances fitted when it was created; at most 100,000, see `moreSelected`.' }),
  moreSelected: Type.Boolean({ description: 'Whether more fitted than were counted.' }),
  sent: Type.Integer({ description: 'Commands so far: the sum of `pending`, `applied` and `refused`.' }),
  pending: Type.Integer(),
  applied: Type.Integer(),
  refused: Type.Integer(),
  createdAt: Instant,
  finishedAt: NullableInstant,
});
export const JobPage = PageOf(Job);
export const JobsQuery = Type.Object({ ...PageQuery, status: Type.Optional(Status) }, strict);

export const JobPreview = Type.Object(
  {
    selected: Type.Integer({ description: 'How many instances fit; at most 100,000.' }),
    moreSelected: Type.Boolean({ description: 'Whether more fit than were counted.' }),
    sample: Type.Array(InstanceSummary, { description: 'The first of them, at most 10.' }),
    verdicts: Nullable(
      Type.Array(MigrationAnswer, {
        description: 'Of `migrate`: for each of the sample whether it could move now, and why not. null: another operation.',
      }),
    ),
  },
  { description: 'The answer to a dry run.' },
);

export const JobResult = Type.Object({
  instanceId: Type.String(),
  commandId: Type.String(),
  result: Result,
  code: NullableString('Why it was refused.'),
  reason: NullableString(),
  at: NullableInstant,
});
export const JobResultPage = PageOf(JobResult);
export const JobResultsQuery = Type.Object({ ...PageQuery, result: Type.Optional(Result) }, strict);

export type VerdictsBody = Static<typeof VerdictsBody>;
export type VerdictsPage = Static<typeof VerdictsPage>;
export type JobBody = Static<typeof JobBody>;
export type Job = Static<typeof Job>;
export type JobPreview = Static<typeof JobPreview>;
export type JobResult = Static<typeof JobResult>;
