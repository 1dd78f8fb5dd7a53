/**
 * A whole engine on an installation of its own, whose processes are watched while a test attacks them: how long the event loop of
 * each was held, and how much memory each had at most. A turn of the loop is counted by the CPU time it took, so that a busy machine
 * changes nothing: without protection a loop was held for 48 s, and processes grew to 3 GB.
 */

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { ApiKeyRole } from '../../src/store/definition-store.ts';
import { createDefinitionStore, createPool } from '../../src/store/postgres/index.ts';
import { TestEngine, type TestEngineOptions } from './engine.ts';
import { eventually } from './eventually.ts';
import { type Installation, install } from './installation.ts';

/** What SECURITY.md and the operations promise, whatever a process is sent. */
const LOOP_HELD_S_PROMISED = 0.25;
/**
 * CPU time leaves out what others had of a CPU, but not how fast it was: where two threads share one core, the same work takes up to twice
 * as much of it while the other thread is busy. A fault holds a loop for seconds.
 */
const LOOP_HELD_S_MAX = 2 * LOOP_HELD_S_PROMISED;
const RESIDENT_MIB_MAX = 900;
const SAMPLE_MS = 1_000;

export type Answer = { readonly status: number; readonly type: string; readonly text: string };

export class HostileLab {
  readonly engine: TestEngine;
  readonly installation: Installation;
  readonly #heldS = new Map<string, number>();
  readonly #sampling: NodeJS.Timeout;

  private constructor(engine: TestEngine, installation: Installation) {
    this.engine = engine;
    this.installation = installation;
    this.#sampling = setInterval(() => void this.#sample().catch(() => undefined), SAMPLE_MS);
  }

  /** @param prefix lower case letters and `-`; nobody else's. */
  static async open(
    prefix: string,
    { env = {}, workers = ['test/support/e2e-handlers.ts'] }: Pick<TestEngineOptions, 'env' | 'workers'> = {},
  ): Promise<HostileLab> {
    const installation = await install(prefix);
    try {
      return new HostileLab(await TestEngine.start({ env: { ...installation.env, ...env }, workers }), installation);
    } catch (error) {
      await installation.remove();
      throw error;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sampling);
    await this.engine.stop();
    await this.installation.remove();
  }

  /** A key that is good at once. */
  async createKey(role: ApiKeyRole): Promise<string> {
    const secret = `key-of-a-${role}-${randomUUID()}`;
    const pool = createPool(this.installation.env.DEFINITION_DATABASE_URL ?? '', { connections: 1 });
    try {
      const key = { keyId: randomUUID(), subject: role, role, taskRoles: [], createdAt: Date.now() };
      await createDefinitionStore(pool).createApiKey(key, createHash('sha256').update(secret).digest());
    } finally {
      await pool.end();
    }
    return secret;
  }

  /** By fetch, with the admin's key unless `init` has another one. */
  async ask(method: string, path: string, body?: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const response = await fetch(`${this.engine.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.engine.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Buffer.from(body) }),
    });
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
  }

  /**
   * Every process answers, is ready, was never blocked for long, and has not grown.
   * @param busy a process whose event loop a test holds itself.
   */
  async isUnharmed(busy?: string): Promise<void> {
    for (const name of this.engine.processes) {
      await eventually(async () => expect(await this.engine.isReady(name), `${name} is ready`).toBe(true));
      expect(peakMiB(this.engine.pid(name)), `${name}: MiB at most`).toBeLessThan(RESIDENT_MIB_MAX);
    }
    await this.#sample();
    expect([...this.#heldS.keys()].sort()).toEqual([...this.engine.processes].sort());
    const tooLong = [...this.#heldS].filter(([name, seconds]) => seconds > LOOP_HELD_S_MAX && name !== busy);
    expect(Object.fromEntries(tooLong), 'CPU seconds of the longest turn of the event loop').toEqual({});
  }

  async #sample(): Promise<void> {
    for (const name of this.engine.processes) {
      const held = /event_loop_held_seconds\{[^}]*\} (\S+)/.exec(await this.engine.metrics(name))?.[1];
      if (held !== undefined) this.#heldS.set(name, Math.max(this.#heldS.get(name) ?? 0, Number(held)));
    }
  }
}

export function isEnded({ status }: { readonly status: string }): boolean {
  return ['completed', 'failed', 'cancelled'].includes(status);
}

/** The most that a process ever had; 0 where the system does not say. */
function peakMiB(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return 0;
    throw error;
  }
}
