/** Whether the instances that a migrating job would be for could move, and why not: of the first ones, or page by page of all. */
import { setImmediate } from 'node:timers/promises';
import { NoQuery } from '../../contract/common.ts';
import type { MigrationAnswer } from '../../contract/instances.ts';
import { type JobBody, VerdictsBody, VerdictsPage } from '../../contract/jobs.ts';
import { parseDefinitionId } from '../../core/ids.ts';
import { jobStatusesOf } from '../../core/jobs/job.ts';
import { decodeCursor, encodeCursor, patterns } from '../../store/cursor.ts';
import type { InstanceRow } from '../../store/instance-queries.ts';
import type { JobRequest } from '../../store/jobs.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { findDefinition, instanceFilterOf } from './lookups.ts';
import { migrationAnswer } from './migrations.ts';
import { responses, security } from './schemas.ts';

/** A page ends early once it took so long, or is so large: an instance may have thousands of scopes, and many reasons. */
const PAGE_MS = 2_000;
const PAGE_BYTES = 1_048_576;

const list = 'verdicts';

export function addJobVerdictRoutes(app: ApiApp, context: RouteContext): void {
  app.post(
    '/jobs/verdicts',
    {
      config: { permission: 'control' },
      schema: {
        ...{ tags: ['jobs'], security, operationId: 'listVerdicts' },
        summary: 'Whether each instance that a query finds could move to another version, and why not',
        description:
          'What a job with the operation `migrate` would be for, in the order in which it would send its commands. Nothing is created or moved.',
        querystring: NoQuery,
        body: VerdictsBody,
        response: responses({ 200: VerdictsPage }, 404),
      },
    },
    async ({ body: { query, toVersion, limit, cursor } }) => {
      const version = await jobVersionOf(context, { operation: 'migrate', query, toVersion });
      const selecting = { operation: 'migrate', toVersion: version, filter: instanceFilterOf(query) } as const;
      assertRunning('migrate', selecting.filter.status);
      const from = cursor === undefined ? null : decodeCursor(list, cursor, [patterns.uuid])[0];
      // One more than are judged tells whether this is the last page.
      const found = await context.ports.jobs.next(selecting, from as InstanceRow['instanceId'] | null, limit + 1);
      const { items, judged } = await pageOf(context, selecting, found.slice(0, limit));
      const last = found[judged - 1];
      return { items, nextCursor: judged < found.length && last !== undefined ? encodeCursor(list, [last]) : null };
    },
  );
}

/** At least one of them, one after the other. @returns how many were looked at: one that is gone by then has no verdict. */
async function pageOf(
  context: RouteContext,
  { filter, toVersion }: Pick<JobRequest, 'filter' | 'toVersion'>,
  ids: readonly InstanceRow['instanceId'][],
): Promise<{ readonly items: MigrationAnswer[]; readonly judged: number }> {
  const target = await findDefinition(context, filter.definition ?? '', toVersion ?? 0);
  const until = performance.now() + PAGE_MS;
  const items: MigrationAnswer[] = [];
  let [judged, bytes] = [0, 0];
  for (const id of ids) {
    const verdict = await migrationAnswer(context, id, target);
    judged++;
    if (verdict !== null) {
      items.push(verdict);
      bytes += JSON.stringify(verdict).length;
    }
    if (performance.now() >= until || bytes >= PAGE_BYTES) break;
    // Other requests get their turn between two.
    await setImmediate();
  }
  return { items, judged };
}

/** The version to move to, resolved now: a later deploy does not change what the job does. */
export async function jobVersionOf(
  context: RouteContext,
  { operation, toVersion, query }: Pick<JobBody, 'operation' | 'toVersion' | 'query'>,
): Promise<number | null> {
  if (operation !== 'migrate') {
    if (toVersion !== undefined) throw misplaced('/toVersion', 'Only `migrate` takes a version.');
    return null;
  }
  if (toVersion === undefined) throw misplaced('/toVersion', 'Give the version to move to, its number or `latest`.');
  if (query?.definition === undefined) throw misplaced('/query/definition', 'Name the definition: a version is one of a definition.');
  const id = parseDefinitionId(query.definition);
  const version = toVersion !== 'latest' ? toVersion : id === undefined ? null : await context.latest.get(id);
  if (version === null) throw notFound(`There is no definition ${query.definition}.`);
  return (await findDefinition(context, query.definition, version)).version;
}

/** Of the sample of a dry run. null: nothing would be moved. */
export async function verdictsOf(
  context: RouteContext,
  request: Pick<JobRequest, 'filter' | 'toVersion'>,
  sample: readonly InstanceRow[],
): Promise<MigrationAnswer[] | null> {
  if (request.toVersion === null || request.filter.definition === undefined) return null;
  const ids = sample.map(({ instanceId }) => instanceId);
  return (await pageOf(context, request, ids)).items;
}

export function assertRunning(operation: JobRequest['operation'], status: InstanceRow['status'] | undefined): void {
  if (jobStatusesOf(operation, status).length === 0)
    throw misplaced('/query/status', 'Instances that have ended take no commands: ask for another status, or leave it out.');
}

export function misplaced(pointer: string, message: string): ApiProblem {
  return new ApiProblem('MR_REQUEST_INVALID', message, { errors: [{ pointer, message }] });
}
