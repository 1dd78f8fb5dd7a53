/** `?wait=`: waits until a condition holds, the time is over, the caller disconnects or the process ends. */
import type { FastifyRequest } from 'fastify';
import { parseDuration } from '../core/duration.ts';
import type { InstanceId } from '../core/ids.ts';
import type { RouteContext } from './context.ts';
import { ApiProblem } from './problem.ts';

/** Longest time between two queries: of what no look at the instance finds, and of anything else. */
const SLOW_MS = 1_000;
const SELDOM_MS = 15_000;
const QUICK_MS = 20;

/** @returns ms; 0 if the request does not ask to wait. */
export function waitMsOf(wait: string | undefined, maxMs: number): number {
  if (wait === undefined) return 0;
  const ms = parseDuration(wait);
  if (ms !== undefined && ms <= maxMs) return ms;
  throw new ApiProblem('MR_REQUEST_INVALID', 'The request is invalid: wait is too long.', {
    errors: [{ pointer: '/query/wait', message: `At most ${maxMs / 1_000} s.` }],
  });
}

export type WaitFor<T> = {
  readonly instanceId: InstanceId;
  readonly ms: number;
  readonly request: FastifyRequest;
  /** true: it may come without a record and without another version of the instance, so query often at first and then once a second. */
  readonly eager: boolean;
  /** undefined: the condition does not hold yet. */
  look(): Promise<T | undefined>;
};

/** @returns undefined if the time was over first. */
export async function waitFor<T>(
  { ports, signal }: RouteContext,
  { instanceId, ms, request, eager, look }: WaitFor<T>,
): Promise<T | undefined> {
  const deadline = performance.now() + ms;
  const ended = AbortSignal.any([signal, request.signal]);
  const slowMs = eager ? SLOW_MS : SELDOM_MS;
  // Until the topic is read, most that is waited for comes sooner than the next look at all that wait.
  let pauseMs = eager || !ports.wakes() ? QUICK_MS : slowMs;
  for (;;) {
    // Registered before the query, so that a change between the query and the wait is not missed.
    const looked = new AbortController();
    const changed = ports.watch.next(
      instanceId,
      Math.max(0, Math.min(pauseMs, deadline - performance.now())),
      AbortSignal.any([ended, looked.signal]),
    );
    try {
      const found = await look();
      if (found !== undefined) return found;
      if (ended.aborted || performance.now() >= deadline) return undefined;
      await changed;
    } finally {
      looked.abort();
    }
    pauseMs = Math.min(pauseMs * 2, slowMs);
  }
}
