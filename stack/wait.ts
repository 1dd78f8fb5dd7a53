/** Waiting for a part to answer: asks again and again until a deadline, and stops at once when the part has died. */

import { connect } from 'node:net';
import { ConstantBackoff, handleAll, retry } from 'cockatiel';
import { type Child, describeExit, readLogEnd } from './process.ts';

const intervalMs = 100;

/** A part ended while it was starting. */
export class EndedEarly extends Error {
  readonly logEnd: string;

  constructor(child: Child, exit: string) {
    const logEnd = readLogEnd(child.logFile);
    super(`${child.name} ended with ${exit} while it was starting. The end of ${child.logFile}:\n${logEnd}`);
    this.name = 'EndedEarly';
    this.logEnd = logEnd;
  }
}

/** Resolves once `probe` does; rejects with the last error at the deadline, or with `EndedEarly` when the child exits. */
export async function waitReady(child: Child, probe: () => Promise<void>, timeoutMs: number, stop?: AbortSignal): Promise<void> {
  const given = new AbortController();
  const died = child.exited.then((exit) => {
    given.abort();
    throw new EndedEarly(child, describeExit(exit));
  });
  stop?.addEventListener('abort', () => given.abort(), { once: true });
  const policy = retry(handleAll, { maxAttempts: Math.ceil(timeoutMs / intervalMs), backoff: new ConstantBackoff(intervalMs) });
  const answered = policy.execute(probe, given.signal).catch(async (cause: unknown): Promise<void> => {
    if (stop?.aborted) throw stop.reason;
    if (given.signal.aborted) return await died;
    throw new Error(
      `${child.name} did not answer within ${timeoutMs / 1000} s. The end of ${child.logFile}:\n${readLogEnd(child.logFile)}`,
      { cause },
    );
  });
  await Promise.race([answered, died]);
}

/** A GET that must answer 2xx. */
export async function probeHttp(url: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

/** The API of this address must take starts: a fresh slot is not confirmed for some seconds, and starts wait for that. */
export async function probeStarts(url: string): Promise<void> {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
  const { checks } = (await response.json()) as { readonly checks?: Readonly<Record<string, string>> };
  if (!response.ok || checks?.starts !== 'ok') throw new Error(`starts are not taken yet: ${checks?.starts ?? response.status}`);
}

/** A TCP connection that must open. */
export async function probeTcp(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, timeout: 2_000 });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer from ${host}:${port}`)));
    socket.once('error', reject);
  });
}
