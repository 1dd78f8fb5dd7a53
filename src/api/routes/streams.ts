/**
 * Live events of an instance (SSE): its history, read by `seq`, as it grows. The lifecycle topic and a slow look wake the
 * reading; nothing is sent that is not in the history. `Last-Event-ID` resumes. Ends after the last entry.
 */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { NoQuery } from '../../contract/common.ts';
import type { InstanceId } from '../../core/ids.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { isEnded, isLastEntry, toHistoryEntry } from '../instance-view.ts';
import { ApiProblem } from '../problem.ts';
import { findInstance, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

const STREAMS_MAX = 1_000;
const HEARTBEAT_MS = 15_000;
const LOOK_MS = 1_000;
const PAGE = 200;

export function addStreamRoutes(app: ApiApp, context: RouteContext): void {
  const { limits, metrics, signal } = context;
  const streamsMax = limits.streams ?? STREAMS_MAX;
  let open = 0;
  const schema = {
    operationId: 'streamInstance',
    tags: ['instances'],
    summary: 'Follow an instance live (server-sent events)',
    description: 'Each event has the `seq` of its history entry as id. 204 when the instance ended and everything was sent.',
    security,
    produces: ['text/event-stream'],
    params: Type.Object({ id: Type.String() }),
    querystring: NoQuery,
    headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: 'Goes on after this `seq`.' })) }),
    response: responses(
      {
        200: Type.Unsafe<unknown>({ description: 'A stream.', content: { 'text/event-stream': { schema: { type: 'string' } } } }),
        204: Type.Unsafe<unknown>({ description: 'Nothing will follow.', type: 'null' }),
      },
      404,
    ),
  };
  app.get('/instances/:id/events', { schema, config: { permission: 'read' } }, async (request, reply) => {
    const instanceId = instanceIdOf(request.params.id);
    const afterSeq = seqOf(request.headers['last-event-id']);
    const { row, state } = await findInstance(context, instanceId);
    // A browser comes back by itself until it is told so.
    if (isEnded(row.status) && afterSeq >= state.seq) return reply.code(204).send(null);
    if (open >= streamsMax)
      throw new ApiProblem('MR_TOO_MANY_STREAMS', 'Too many live streams are open here.', { headers: { 'retry-after': '5' } });
    open++;
    metrics.streams.set(open);
    reply.hijack();
    const { raw } = reply;
    const gone = new AbortController();
    raw.once('close', () => gone.abort());
    try {
      writeHead(raw, reply.getHeaders());
      await follow(context, raw, instanceId, afterSeq, AbortSignal.any([signal, gone.signal]));
    } catch (error) {
      if (!gone.signal.aborted) request.log.warn({ err: error, instanceId }, 'A live stream ended early; the client resumes it');
    } finally {
      open--;
      metrics.streams.set(open);
      raw.end();
    }
  });
}

function seqOf(lastEventId: string | undefined): number {
  if (lastEventId === undefined || lastEventId === '') return 0;
  if (/^\d{1,9}$/.test(lastEventId)) return Number(lastEventId);
  throw new ApiProblem('MR_REQUEST_INVALID', 'Last-Event-ID is none of this stream.', {
    errors: [{ pointer: '/headers/last-event-id', message: 'Expected the id of an event of this stream.' }],
  });
}

function writeHead(raw: ServerResponse, headers: ReturnType<FastifyReply['getHeaders']>): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that gather answers would keep the events.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
}

async function follow(
  { ports }: RouteContext,
  raw: ServerResponse,
  instanceId: InstanceId,
  afterSeq: number,
  ended: AbortSignal,
): Promise<void> {
  let seq = afterSeq;
  let saidAt = performance.now();
  const write = async (text: string): Promise<void> => {
    saidAt = performance.now();
    // A reader who does not read must not fill our memory.
    if (!raw.write(text)) await once(raw, 'drain', { signal: ended });
  };
  await write('retry: 1000\n\n');
  while (!ended.aborted) {
    const looked = new AbortController();
    const changed = ports.watch.next(instanceId, LOOK_MS, AbortSignal.any([ended, looked.signal]));
    try {
      const entries = await ports.queries.history(instanceId, seq, PAGE);
      for (const entry of entries) {
        if (ended.aborted) return;
        const { type, ...rest } = toHistoryEntry(instanceId, entry);
        await write(`id: ${entry.seq}\nevent: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`);
        seq = entry.seq;
        if (isLastEntry(entry)) return;
      }
      if (entries.length === PAGE) continue;
      if (performance.now() - saidAt >= HEARTBEAT_MS) await write(': still here\n\n');
      await changed;
    } finally {
      looked.abort();
    }
  }
}
