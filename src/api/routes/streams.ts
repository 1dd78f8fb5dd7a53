/**
 * The live stream of an instance (server-sent events): the entries of its history by `seq`. It queries the history when the
 * lifecycle topic announces a change, or a look finds another version of the instance. `Last-Event-ID` resumes. It ends after the last entry.
 */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { strict, UnmaskedQuery } from '../../contract/common.ts';
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceRow } from '../../store/instance-queries.ts';
import { streamBytesMax } from '../../store/page-limits.ts';
import { type Authenticate, keyOf } from '../auth.ts';
import type { ApiApp, RouteContext } from '../context.ts';
import { isEnded, isLastEntry, toHistoryEntry } from '../instance-view.ts';
import { assertMayUnmask, marksOf } from '../masking.ts';
import { ApiProblem } from '../problem.ts';
import { assertInstance, instanceIdOf } from './lookups.ts';
import { responses, security } from './schemas.ts';

const STREAMS_MAX = 1_000;
/** Of all streams, how many one key may have: one in so many. */
const KEY_SHARE = 4;
/** How often a stream looks whether its key is still good. */
const KEY_LOOK_MS = 1_000;
const HEARTBEAT_MS = 15_000;
const PAGE = 200;

export function addStreamRoutes(app: ApiApp, context: RouteContext, authenticate: Authenticate): void {
  const { limits, metrics, signal } = context;
  const streamsMax = limits.streams ?? STREAMS_MAX;
  const streamsOfKeyMax = Math.max(1, Math.floor(streamsMax / KEY_SHARE));
  const openOfKey = new Map<string, number>();
  let open = 0;
  const schema = {
    operationId: 'streamInstance',
    tags: ['instances'],
    summary: 'Follow an instance live (server-sent events)',
    description: 'Each event has the `seq` of its history entry as id. 204: the instance has ended and all entries were sent.',
    security,
    produces: ['text/event-stream'],
    params: Type.Object({ id: Type.String() }),
    querystring: Type.Object(UnmaskedQuery, strict),
    headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: 'Continues after this `seq`.' })) }),
    response: responses(
      {
        200: Type.Unsafe<unknown>({ description: 'A stream.', content: { 'text/event-stream': { schema: { type: 'string' } } } }),
        204: Type.Unsafe<unknown>({ description: 'No entry will follow.', type: 'null' }),
      },
      404,
    ),
  };
  app.get('/instances/:id/events', { schema, config: { permission: 'read' } }, async (request, reply) => {
    const { unmasked } = request.query;
    assertMayUnmask(request, unmasked);
    const instanceId = instanceIdOf(request.params.id);
    const afterSeq = seqOf(request.headers['last-event-id']);
    const { row, seq } = await assertInstance(context, instanceId);
    // A browser reconnects until it gets a 204.
    if (isEnded(row.status) && afterSeq >= seq) return reply.code(204).send(null);
    if (open >= streamsMax)
      throw new ApiProblem('MR_TOO_MANY_STREAMS', 'This process has too many open live streams.', { headers: { 'retry-after': '5' } });
    const { keyId } = keyOf(request);
    const ofKey = openOfKey.get(keyId) ?? 0;
    if (ofKey >= streamsOfKeyMax)
      throw new ApiProblem('MR_TOO_MANY_STREAMS', 'This API key has too many open live streams.', { headers: { 'retry-after': '5' } });
    openOfKey.set(keyId, ofKey + 1);
    open++;
    metrics.streams.set(open);
    reply.hijack();
    const { raw } = reply;
    const gone = new AbortController();
    raw.once('close', () => gone.abort());
    // By a timer of its own: a client that does not read holds up the loop of its stream.
    const stopWatching = watchKey(authenticate, request.headers.authorization, gone.signal, () => {
      gone.abort();
      if (raw.writableNeedDrain) raw.destroy();
    });
    try {
      writeHead(raw, reply.getHeaders());
      await follow(context, raw, { instanceId, row, unmasked }, afterSeq, AbortSignal.any([signal, gone.signal]));
    } catch (error) {
      if (!gone.signal.aborted) request.log.warn({ err: error, instanceId }, 'A live stream ended early; the client resumes it');
    } finally {
      stopWatching();
      const left = (openOfKey.get(keyId) ?? 1) - 1;
      if (left === 0) openOfKey.delete(keyId);
      else openOfKey.set(keyId, left);
      open--;
      metrics.streams.set(open);
      raw.end();
    }
  });
}

/** @param onRevoked called once, when the key is no longer good. @returns what ends the watching. */
function watchKey(authenticate: Authenticate, authorization: string | undefined, gone: AbortSignal, onRevoked: () => void): () => void {
  const timer = setInterval(async () => {
    try {
      await authenticate(authorization);
    } catch (error) {
      // A database that is away says nothing about the key.
      if (error instanceof ApiProblem && !gone.aborted) onRevoked();
    }
  }, KEY_LOOK_MS);
  return () => clearInterval(timer);
}

function seqOf(lastEventId: string | undefined): number {
  if (lastEventId === undefined || lastEventId === '') return 0;
  if (/^\d{1,9}$/.test(lastEventId)) return Number(lastEventId);
  throw new ApiProblem('MR_REQUEST_INVALID', 'Last-Event-ID is not an id of this stream.', {
    errors: [{ pointer: '/headers/last-event-id', message: 'Expected the id of an event of this stream.' }],
  });
}

function writeHead(raw: ServerResponse, headers: ReturnType<FastifyReply['getHeaders']>): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Otherwise a proxy that buffers answers would hold the events back.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
}

type Followed = { readonly instanceId: InstanceId; readonly row: InstanceRow; readonly unmasked: boolean | undefined };

async function follow(
  context: RouteContext,
  raw: ServerResponse,
  { instanceId, row: first, unmasked }: Followed,
  afterSeq: number,
  ended: AbortSignal,
): Promise<void> {
  const { ports } = context;
  let row = first;
  let seq = afterSeq;
  let saidAt = performance.now();
  const write = async (text: string): Promise<void> => {
    saidAt = performance.now();
    // A client that does not read must not fill the memory of this process.
    if (!raw.write(text)) await once(raw, 'drain', { signal: ended });
  };
  await write('retry: 1000\n\n');
  while (!ended.aborted) {
    const looked = new AbortController();
    const changed = ports.watch.next(instanceId, HEARTBEAT_MS, AbortSignal.any([ended, looked.signal]));
    try {
      const { entries, hasMore } = await ports.queries.history(instanceId, seq, PAGE, { bytesMax: streamBytesMax });
      let marks = await marksOf(context, row, unmasked);
      for (const entry of entries) {
        if (ended.aborted) return;
        // The version that the instance is on says what is marked.
        if (entry.event.type === 'InstanceMigrated') {
          row = (await assertInstance(context, instanceId)).row;
          marks = await marksOf(context, row, unmasked);
        }
        const { type, ...rest } = toHistoryEntry(instanceId, entry, marks);
        await write(`id: ${entry.seq}\nevent: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`);
        seq = entry.seq;
        if (isLastEntry(entry)) return;
      }
      if (hasMore) continue;
      if (performance.now() - saidAt >= HEARTBEAT_MS) await write(': still here\n\n');
      await changed;
    } finally {
      looked.abort();
    }
  }
}
