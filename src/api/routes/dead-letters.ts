/** Dead letters: read them, send the original message again, or discard it. */
import { Type } from 'typebox';
import { NoQuery, strict, UnmaskedQuery } from '../../contract/common.ts';
import type * as contract from '../../contract/dead-letters.ts';
import { DeadLetter, DeadLetterClosed, DeadLetterPage, DeadLetterQuery } from '../../contract/dead-letters.ts';
import { parseInstanceId } from '../../core/ids.ts';
import type { DeadLetterRow } from '../../store/instance-queries.ts';
import { keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { toText } from '../instance-view.ts';
import { assertMayUnmask, marksOf } from '../masking.ts';
import { ApiProblem, notFound } from '../problem.ts';
import { responses, security } from './schemas.ts';

const config = { permission: 'deadLetters' } as const;

export function addDeadLetterRoutes(app: ApiApp, context: RouteContext): void {
  const { queries, produce } = context.ports;
  const common = { tags: ['dead letters'], security };
  const params = Type.Object({ id: Type.String() });

  app.get(
    '/dead-letters',
    {
      config,
      schema: {
        ...common,
        operationId: 'listDeadLetters',
        summary: 'Messages that could not be processed, newest first',
        querystring: DeadLetterQuery,
        response: responses({ 200: DeadLetterPage }),
      },
    },
    async (request) => {
      const { status = 'open', limit, cursor = null, unmasked } = request.query;
      assertMayUnmask(request, unmasked);
      const { items, nextCursor } = await queries.deadLetters(status, limit, cursor);
      const masked = unmasked === true ? new Set() : await maskedOf(items);
      return {
        items: items.map((deadLetter) => toDeadLetter(deadLetter, deadLetter.valueBytes, masked.has(deadLetter.instanceId))),
        nextCursor,
      };
    },
  );

  app.get(
    '/dead-letters/:id',
    {
      config,
      schema: {
        ...common,
        operationId: 'getDeadLetter',
        summary: 'One of them, with the whole original message',
        querystring: Type.Object(UnmaskedQuery, strict),
        params,
        response: responses({ 200: DeadLetter }, 404),
      },
    },
    async (request) => {
      const { unmasked } = request.query;
      assertMayUnmask(request, unmasked);
      const deadLetter = await findDeadLetter(request.params.id);
      const masked = unmasked === true ? new Set() : await maskedOf([deadLetter]);
      return toDeadLetter(deadLetter, deadLetter.value?.length ?? 0, masked.has(deadLetter.instanceId));
    },
  );

  const closing = { querystring: NoQuery, body: Type.Object({}, { additionalProperties: false }), params };
  app.post(
    '/dead-letters/:id/replay',
    {
      config,
      schema: {
        ...common,
        ...closing,
        operationId: 'replayDeadLetter',
        summary: 'Send the original message again to its topic and partition',
        response: responses({ 200: DeadLetterClosed }, 404, 409),
      },
    },
    async (request) => {
      const deadLetter = await findOpenDeadLetter(request.params.id);
      if (deadLetter.omitted !== null) throw incomplete(deadLetter);
      const { topic, partition, key, value, headers } = deadLetter;
      // Sent before it is closed: if this process crashes in between, the message may be sent twice but is never lost.
      await produce({ topic, partition, key, value, headers });
      await queries.closeDeadLetter(deadLetter.id, 'replayed', keyOf(request).subject);
      return { id: deadLetter.id, status: 'replayed' as const };
    },
  );

  app.post(
    '/dead-letters/:id/discard',
    {
      config,
      schema: {
        ...common,
        ...closing,
        operationId: 'discardDeadLetter',
        summary: 'Close it without sending it again',
        response: responses({ 200: DeadLetterClosed }, 404, 409),
      },
    },
    async (request) => {
      const { id } = await findOpenDeadLetter(request.params.id);
      if (!(await queries.closeDeadLetter(id, 'discarded', keyOf(request).subject))) throw alreadyClosed('closed');
      return { id, status: 'discarded' as const };
    },
  );

  /** The instances whose definitions mark something, or are not known: what is of an instance that is gone may hold anything. */
  async function maskedOf(deadLetters: readonly DeadLetterRow[]): Promise<ReadonlySet<string | null>> {
    const masked = new Set<string | null>();
    for (const instanceId of new Set(deadLetters.map((deadLetter) => deadLetter.instanceId))) {
      if (instanceId === null) continue;
      const id = parseInstanceId(instanceId);
      const found = id === undefined ? null : await queries.find(id);
      if (found === null || (await marksOf(context, found.row, false)) !== null) masked.add(instanceId);
    }
    return masked;
  }

  async function findDeadLetter(id: string): Promise<DeadLetterRow> {
    const deadLetter = /^[0-9]{1,18}$/.test(id) ? await queries.deadLetter(id) : null;
    if (deadLetter === null) throw notFound('There is no such dead letter.');
    return deadLetter;
  }

  async function findOpenDeadLetter(id: string): Promise<DeadLetterRow> {
    const deadLetter = await findDeadLetter(id);
    if (deadLetter.status !== 'open') throw alreadyClosed(deadLetter.status);
    return deadLetter;
  }
}

function alreadyClosed(status: string): ApiProblem {
  return new ApiProblem('MR_DEAD_LETTER_CLOSED', `The dead letter is ${status} already.`);
}

function incomplete({ omitted, topic, partition, offset }: DeadLetterRow): ApiProblem {
  const message = `The dead letter does not hold all of its original (${omitted}), which is in ${topic}/${partition} at offset ${offset}.`;
  return new ApiProblem('MR_DEAD_LETTER_INCOMPLETE', message);
}

function toDeadLetter(row: DeadLetterRow, valueBytes: number, masked: boolean): contract.DeadLetter {
  const { id, code, reason, topic, partition, offset, key, value, headers, instanceId, at, status, omitted } = row;
  return {
    ...{ id, code, reason, topic, partition, offset, instanceId, status, omitted, masked },
    keyBase64: masked ? null : (key?.toString('base64') ?? null),
    valueBase64: masked ? null : (value?.toString('base64') ?? null),
    valueBytes,
    headers: (masked ? [] : headers).map((header) => ({ key: header.key, valueBase64: header.value.toString('base64') })),
    at: toText(at),
  };
}
