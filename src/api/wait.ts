/** `?wait=`: until something is so, the time is over, the caller is gone or the process ends. Never longer. */
import type { FastifyRequest } from 'fastify';
import { parseDuration } from '../core/duration.ts';
import type { RouteContext } from './context.ts';
import { ApiProblem } from './problem.ts';

/** A lost wake-up costs at most so long. */
const SLOW_MS = 1_000;
const QUICK_MS = 20;

/** ms; 0 when the request does not ask to wait. */
export function waitMsOf(wait: string | undefined, maxMs: number): number {
  if (wait === undefined) return 0;
  const ms = parseDuration(wait);
  if (ms !== undefined && ms <= maxMs) return ms;
  throw new ApiProblem('MR_REQUEST_INVALID', 'The request is invalid: wait is too long.', {
    errors: [{ pointer: '/query/wait', message: `At most ${maxMs / 1_000} s.` }],
  });
}

export type WaitFor<T> = {
  readonly instanceId: string;
  readonly ms: number;
  readonly request: FastifyRequest;
  /** true: not everything that matters wakes us, so look often at first. */
  readonly eager: boolean;
  /** undefined: not yet. */
  look(): Promise<T | undefined>;
};

/** @returns undefined when the time was over first. */
export async function waitFor<T>(
  { ports, signal }: RouteContext,
  { instanceId, ms, request, eager, look }: WaitFor<T>,
): Promise<T | undefined> {
  const deadline = performance.now() + ms;
  const ended = AbortSignal.any([signal, request.signal]);
  let pauseMs = eager ? QUICK_MS : SLOW_MS;
  for (;;) {
    // Before looking: what changes between the look and the wait must wake us.
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
    pauseMs = Math.min(pauseMs * 2, SLOW_MS);
  }
}
