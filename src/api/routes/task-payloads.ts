/**
 * Inputs and outputs of tasks that are too large for a record: a worker gets the input of an attempt, and gives its output before it sends
 * the outcome that names it. Bodies are JSON as it is stored, and are not read here.
 */
import { isUtf8 } from 'node:buffer';
import { Type } from 'typebox';
import { JsonValue } from '../../contract/common.ts';
import { TaskInputQuery, TaskOutputQuery } from '../../contract/task-payloads.ts';
import type { Basis } from '../../core/ids.ts';
import type { Json } from '../../core/json.ts';
import { holdsTooManyValues, referencedBytesMax, referencedValuesMax } from '../../core/payload-reference.ts';
import type { TaskRow } from '../../store/instance-queries.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { taskOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

/** Of what is read to its end, so that whoever sends too much gets an answer: above it the connection is closed, which looks like an outage. */
const BODY_BYTES_MAX = 16 * 1_048_576;

const config = { permission: 'runTasks' } as const;
const common = { tags: ['workers'], params: Type.Object({ id: Type.String() }), security };

export function addTaskPayloadRoutes(app: ApiApp, context: RouteContext): void {
  const { queries } = context.ports;
  app.get(
    '/tasks/:id/input',
    {
      config,
      schema: {
        ...common,
        operationId: 'getTaskInput',
        summary: 'The input of an attempt that is with a worker',
        description: 'For workers: what a TaskScheduled record names by its `inputReference`. The bytes are those whose hash it has.',
        querystring: TaskInputQuery,
        response: responses({ 200: JsonValue }, 404, 409),
      },
    },
    async (request, reply) => {
      const { instanceId, path } = taskOf(request.params.id);
      const { attempt } = request.query;
      const row = await queries.task(instanceId, path);
      if (row === null) throw notFound('There is no such task.');
      if (!isWithWorker(row, attempt)) throw notWithWorker(attempt);
      // As characters, so that it is not written as JSON once more.
      return reply.type('application/json').send(JSON.stringify(row.input));
    },
  );
  // Its bodies are taken as they are, unlike those of all other routes.
  app.register(async (raw) => addOutputRoute(raw, context));
}

function addOutputRoute(app: ApiApp, { ports, limits }: RouteContext): void {
  const { instances, outgoing, sha256 } = ports;
  const bytesMax = Math.min(limits.payloadBytes, referencedBytesMax);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length > bytesMax) done(new ApiProblem('MR_PAYLOAD_TOO_LARGE', `The output is larger than ${bytesMax} bytes.`));
    else if (isUtf8(bytes) && !bytes.includes(0)) done(null, bytes.toString('utf8'));
    else done(new ApiProblem('MR_JSON_MALFORMED', 'The body is not JSON in UTF-8.'));
  });
  app.put(
    '/tasks/:id/output',
    {
      config,
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        ...common,
        operationId: 'putTaskOutput',
        summary: 'Keep the output of an attempt until its outcome is applied',
        description:
          'For workers: what a TaskOutcome record will name by its `outputReference`. It is read when the outcome is applied, and gone afterwards. ' +
          'A repeat changes nothing.',
        querystring: TaskOutputQuery,
        body: JsonValue,
        response: responses({ 204: Type.Unsafe<unknown>({ description: 'It is kept.', type: 'null' }) }, 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { instanceId, path } = taskOf(request.params.id);
      const { attempt, basis } = request.query;
      const output = outputIn(request.body);
      if (sha256(output) !== request.query.sha256)
        throw new ApiProblem('MR_REQUEST_INVALID', 'The body is not what the request names.', {
          errors: [{ pointer: '/query/sha256', message: 'The SHA-256 of the body is another one.' }],
        });
      if (holdsTooManyValues(output))
        throw new ApiProblem(
          'MR_PAYLOAD_TOO_LARGE',
          `The output has more than ${referencedValuesMax} items, or a quarter as many members.`,
        );
      const key = { instanceId, path, attempt, basis: basis as Basis, sha256: request.query.sha256 };
      switch (await instances.keepOutput(outgoing.partitionOf(instanceId), key, output)) {
        case 'kept':
          return reply.code(204).send(null);
        case 'unknown':
          throw notFound('There is no such task.');
        case 'notOpen':
          throw notWithWorker(attempt);
        case 'full':
          throw new ApiProblem('MR_TASK_FULL', `Attempt ${attempt} of the task has given too many outputs that differ.`);
      }
    },
  );
}

/** The parser of this route gives the characters of the body. */
function outputIn(body: Json): string {
  if (typeof body !== 'string' || body === '') throw new ApiProblem('MR_REQUEST_INVALID', 'Send the output as the body, as JSON.');
  return body;
}

function isWithWorker({ type, status, attempt }: TaskRow, wanted: number): boolean {
  return (type === 'http' || type === 'task') && status === 'scheduled' && attempt === wanted;
}

function notWithWorker(attempt: number): ApiProblem {
  return new ApiProblem('MR_TASK_NOT_OPEN', `Attempt ${attempt} of the task is not with a worker.`);
}
