/**
 * Bounds what the bodies of all requests take in memory. What has arrived is counted, not what is announced, so whoever sends slowly
 * keeps nobody out; a small body always passes, so that a flood of large ones does not keep people's commands out. Starts have a gate of their own
 * before it, which refuses them before they are read (`start-gate.ts`).
 */
import type { preParsingHookHandler } from 'fastify';
import { ApiProblem } from './problem.ts';

/** What a process holds of bodies at once. Their values and what is written of them take several times as much. */
export const bodiesBytesMax = 32 * 1_048_576;

/** Of one body that is not counted. */
const SMALL_BYTES = 65_536;

export class BodyGate {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number = bodiesBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Of the bodies above 64 KiB whose requests have not been answered. */
  get bytes(): number {
    return this.#bytes;
  }

  readonly preParsing: preParsingHookHandler = (_request, reply, payload, done) => {
    let received = 0;
    let counted = 0;
    const release = (): void => {
      this.#bytes -= counted;
      counted = 0;
      payload.removeListener('data', count);
    };
    const count = (chunk: Buffer): void => {
      received += chunk.length;
      if (received <= SMALL_BYTES) return;
      this.#bytes += received - counted;
      counted = received;
      if (this.#bytes <= this.#bytesMax) return;
      release();
      // The rest of the body is read and dropped: whoever reads it for the route has the error already.
      payload.emit('error', tooManyBytes());
    };
    payload.on('data', count);
    // Also of a caller who goes away.
    reply.raw.once('close', release);
    done(null, payload);
  };
}

function tooManyBytes(): ApiProblem {
  return new ApiProblem('MR_TOO_BUSY', 'The bodies of requests that wait take too much memory. Nothing was done.', {
    headers: { 'retry-after': '1' },
  });
}
