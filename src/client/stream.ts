/** Follows the history of an instance live, and resumes a broken stream after the last entry. */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { HistoryEntry } from '../contract/index.ts';
import type { Connection } from './connection.ts';
import { MillraceUnreachableError } from './errors.ts';

const RESUMES = 10;

export type FollowOptions = {
  /** Entries after this one; default 0: all. */
  readonly afterSeq?: number;
  readonly signal?: AbortSignal;
  /** Values that the definition marks as sensitive are shown: for operators and admins; the server logs it. */
  readonly unmasked?: boolean;
};

/**
 * Yields each entry once, in order, and ends when the instance has ended.
 * @throws MillraceUnreachableError if the stream breaks and cannot be resumed.
 */
export async function* followInstance(connection: Connection, instanceId: string, options: FollowOptions): AsyncGenerator<HistoryEntry> {
  const { signal } = options;
  let seq = options.afterSeq ?? 0;
  const again = retry(
    handleWhen((error) => error instanceof MillraceUnreachableError),
    { maxAttempts: RESUMES, backoff: new ExponentialBackoff({ initialDelay: 200, maxDelay: 5_000 }) },
  );
  for (;;) {
    const response = await again.execute(
      () =>
        connection.open({
          method: 'GET',
          path: ['instances', instanceId, 'events'],
          query: options.unmasked === undefined ? {} : { unmasked: options.unmasked },
          headers: { accept: 'text/event-stream', ...(seq === 0 ? {} : { 'last-event-id': String(seq) }) },
          ...(signal === undefined ? {} : { signal }),
        }),
      signal,
    );
    // 204: the instance has ended and all entries were sent.
    if (response?.body == null) return;
    try {
      const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for await (const event of events) {
        const entry = JSON.parse(event.data) as HistoryEntry;
        if (entry.seq <= seq) continue;
        seq = entry.seq;
        yield entry;
      }
    } catch (error) {
      signal?.throwIfAborted();
      // A broken connection is resumed; any other error is a bug or comes from the consumer of this generator.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
