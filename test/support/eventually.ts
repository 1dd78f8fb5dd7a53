/** Awaiting a condition of the outside world. Tests wait with this and never for a fixed time. */
import { vi } from 'vitest';

export interface EventuallyOptions {
  /** Deadline in ms; default 30 s, which is far beyond what a healthy stack needs. */
  readonly timeoutMs?: number;
  /** Pause between two looks in ms; default 50. */
  readonly intervalMs?: number;
}

/** Asks again until `condition` neither throws nor rejects, and gives what it gave. At the deadline its last error is thrown. */
export async function eventually<T>(condition: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  return await vi.waitFor(async () => await condition(), { timeout: options.timeoutMs ?? 30_000, interval: options.intervalMs ?? 50 });
}

/** Like `eventually`, for a value that must satisfy a predicate; the last value seen is in the error. */
export async function eventuallyHas<T>(
  read: () => T | Promise<T>,
  satisfies: (value: T) => boolean,
  options: EventuallyOptions & { readonly what?: string } = {},
): Promise<T> {
  return await eventually(async () => {
    const value = await read();
    if (!satisfies(value))
      throw new Error(`${options.what ?? 'The condition'} does not hold; last seen: ${JSON.stringify(value)?.slice(0, 2_000)}`);
    return value;
  }, options);
}
