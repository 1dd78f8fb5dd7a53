import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bySchedstat, cpuOfThisThread } from './thread-cpu.ts';

it('grows by what this thread does', () => {
  const cpuMs = cpuOfThisThread();
  const before = cpuMs() ?? 0;
  let sum = 0;
  // Until it has grown: a machine that does not tell it has null, and a busy one takes as long as it takes.
  while ((cpuMs() ?? Number.POSITIVE_INFINITY) - before < 5) sum += Math.sqrt(sum + 1);
  expect(sum).toBeGreaterThan(0);
});

it('is read of what Linux says in ns', () => {
  const path = join(tmpdir(), `millrace-schedstat-${process.pid}`);
  writeFileSync(path, '32173910 22074354 14\n');
  const file = openSync(path, 'r');
  expect(bySchedstat(file)).toBe(32.17391);
  closeSync(file);
  rmSync(path);
});
