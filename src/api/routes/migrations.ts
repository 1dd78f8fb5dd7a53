/** An instance moves to another version of its definition; a dry run says whether it could, and why not. */
import { Type } from 'typebox';
import { strict, WaitQuery } from '../../contract/common.ts';
import { firstErrors } from '../../contract/field-errors.ts';
import { CommandAnswer, MigrateBody, MigrationAnswer } from '../../contract/instances.ts';
import type { Definition } from '../../core/definition/types.ts';
import { type InstanceId, parseDefinitionId } from '../../core/ids.ts';
import { judge } from '../../core/instance/index.ts';
import { looksAtOutputs } from '../../core/instance/migration/task-verdict.ts';
import type { MigrationVerdict } from '../../core/instance/view.ts';
import { inTurns } from '../../store/in-turns.ts';
import type { InstanceView } from '../../store/instance-queries.ts';
import { answerCommand } from '../answer-command.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { assertRunning } from './commands.ts';
import { findDefinition, findInstance, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

export function addMigrationRoutes(app: ApiApp, context: RouteContext): void {
  app.post(
    '/instances/:id/migrate',
    {
      config: { permission: 'control' },
      schema: {
        operationId: 'migrateInstance',
        tags: ['instances'],
        summary: 'Move an instance to another version of its definition',
        description:
          'What is open stays as it was opened; from then on the new version decides. With `dryRun` nothing changes: the answer says whether the instance could move now, and everything that speaks against it.',
        security,
        params: Type.Object({ id: Type.String() }),
        querystring: Type.Object(WaitQuery, strict),
        body: MigrateBody,
        response: responses({ 200: Type.Union([CommandAnswer, MigrationAnswer]), 202: CommandAnswer }, 404, 409),
      },
    },
    async (request, reply) => {
      const instanceId = instanceIdOf(request.params.id);
      const { version: wanted, reason = null, dryRun = false } = request.body;
      const view = await findInstance(context, instanceId);
      const target = await findTarget(context, view, wanted);
      if (dryRun) return reply.code(200).send(toAnswer(instanceId, view, target, await judgeNow(context, view, target)));
      assertRunning(view);
      // While commands are pending, what they lead to is not known yet.
      if (view.pending.length === 0) await assertPossible(context, view, target);
      const command = { type: 'migrate', version: target.version, reason } as const;
      const { subject } = keyOf(request);
      const { status, body } = await answerCommand(context, { instanceId, command, by: subject, wait: request.query.wait, request });
      return reply.code(status).send(body);
    },
  );
}

/** Whether an instance could move to the version now; null when it is gone since it was found. */
export async function migrationAnswer(context: RouteContext, instanceId: InstanceId, target: Definition): Promise<MigrationAnswer | null> {
  const view = await context.ports.queries.get(instanceId);
  return view === null ? null : toAnswer(instanceId, view, target, await judgeNow(context, view, target));
}

async function findTarget(context: RouteContext, { row }: InstanceView, wanted: number | 'latest'): Promise<Definition> {
  const id = parseDefinitionId(row.definitionId);
  const version = wanted !== 'latest' ? wanted : id === undefined ? null : await context.latest.get(id);
  if (version === null) throw notFound(`There is no definition ${row.definitionId}.`);
  return await findDefinition(context, row.definitionId, version);
}

async function judgeNow(context: RouteContext, view: InstanceView, target: Definition): Promise<MigrationVerdict> {
  const { row, state } = view;
  const source = await findDefinition(context, row.definitionId, state.definitionVersion);
  const isWhole = looksAtOutputs({ source, target });
  const whole = isWhole ? ((await context.ports.queries.getWhole(row.instanceId)) ?? view) : view;
  // It has moved since.
  if (whole.state.definitionVersion !== source.version) return await judgeNow(context, whole, target);
  return await inTurns(judge(source, whole.state, target, context.ports.now()));
}

async function assertPossible(context: RouteContext, view: InstanceView, target: Definition): Promise<void> {
  const { reasons } = await judgeNow(context, view, target);
  if (reasons.length === 0) return;
  const isOne = reasons.length === 1;
  throw new ApiProblem(
    'MR_MIGRATION_REFUSED',
    `The instance cannot move to version ${target.version}${isOne ? '' : `, for ${reasons.length} reasons`}.`,
    {
      errors: reasons,
    },
  );
}

function toAnswer(
  instanceId: InstanceId,
  { row }: InstanceView,
  target: Definition,
  { reasons, skipped }: MigrationVerdict,
): MigrationAnswer {
  const { errors, errorCount } = firstErrors(reasons);
  return {
    instanceId,
    definition: { id: row.definitionId, version: row.definitionVersion },
    toVersion: target.version,
    possible: reasons.length === 0,
    reasons: errors.map((reason) => ({ ...reason })),
    reasonCount: errorCount,
    skipped: [...new Set(skipped.map(({ nodeId }) => nodeId))],
  };
}
