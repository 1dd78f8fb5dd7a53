/** Delays are as small as they can be; that they grow is read from what is told. */
import { expect, test } from 'vitest';
import { eventually } from '../test/support/eventually.ts';
import { Restarter } from './restarter.ts';

const killed = { code: null, signal: 'SIGKILL' } as const;
const small = { initialMs: 1, maxMs: 8 };

function delaysOf(told: readonly string[]): string[] {
  return told.flatMap((text) => /started again in (\S+) s/.exec(text)?.[1] ?? []);
}

test('starts again what ended, and tells how it ended, when it is started, and that it runs', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), ...small });
  let starts = 0;
  restarter.restart('api', 'api ended by itself (signal SIGKILL).', killed, async () => void starts++);
  await eventually(() => expect(told).toHaveLength(2));
  expect(starts).toBe(1);
  expect(told).toEqual([
    'api ended by itself (signal SIGKILL).\n\napi is started again in 0.001 s. Everything else goes on; data is kept.',
    'api runs again.',
  ]);
});

test('waits longer each time it ends soon after its start, up to the longest delay, for each process by itself', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), ...small });
  let starts = 0;
  const start = async (): Promise<void> => {
    starts++;
    if (starts < 6) restarter.restart('api', 'api ended.', killed, start);
  };
  restarter.restart('api', 'api ended.', killed, start);
  await eventually(() => expect(starts).toBe(6));
  expect(delaysOf(told)).toEqual(['0.001', '0.002', '0.004', '0.008', '0.008', '0.008']);
  restarter.restart('worker', 'worker ended.', killed, async () => undefined);
  expect(delaysOf(told).at(-1)).toBe('0.001');
});

test('waits briefly again for what has run for a while', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), ...small, steadyMs: Number.NEGATIVE_INFINITY });
  for (let n = 0; n < 3; n++) restarter.restart('api', 'api ended.', killed, async () => undefined);
  await restarter.stop();
  expect(delaysOf(told)).toEqual(['0.001', '0.001', '0.001']);
});

test('tries again when it could not be started, and says why', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), ...small });
  let starts = 0;
  restarter.restart('Kafka', 'Kafka ended.', killed, async () => {
    if (++starts === 1) throw new Error('no memory');
  });
  await eventually(() => expect(told.at(-1)).toBe('Kafka runs again.'));
  expect(told[1]).toContain('Kafka could not be started: no memory');
});

test('starts nothing any more once it is stopped, not even what waits for its delay', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), initialMs: 60_000 });
  let starts = 0;
  restarter.restart('api', 'api ended.', killed, async () => void starts++);
  await restarter.stop();
  restarter.restart('api', 'api ended.', killed, async () => void starts++);
  expect([starts, told.length]).toEqual([0, 1]);
});

test('does not start again what cannot use its configuration', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), ...small });
  let starts = 0;
  restarter.restart('api', 'api ended by itself (exit code 78).', { code: 78, signal: null }, async () => void starts++);
  await restarter.stop();
  expect([starts, told]).toEqual([
    0,
    ['api ended by itself (exit code 78).\n\nIt is not started again: its configuration or set-up must be changed first.'],
  ]);
});
