/**
 * Deletes everything that the stack keeps. The slot (it goes with Postgres' data), Kafka's data, Connect's offsets (they are in Kafka) and the
 * registry belong together: one of them kept would point into what the others no longer know.
 */
import { rmSync } from 'node:fs';
import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';
import type { Home } from './home.ts';
import { removePostgresData } from './install/postgres.ts';
import { print } from './report.ts';
import { bringDown } from './supervisor.ts';

export async function resetHome(home: Home, confirmed: boolean): Promise<void> {
  if (!confirmed && !(await confirm(`This deletes all workflows, instances, topics and schemas in ${home.dir}. Go on? [y/N] `))) {
    throw new Error('Nothing was deleted. To reset without being asked: npm run stack:reset -- --yes');
  }
  await bringDown(home);
  deleteData(home);
  print('The stack is reset: databases, replication slot, topics, Connect offsets and schemas are gone.');
}

/** Deletes what the parts keep. The stack must not be running. */
export function deleteData(home: Home): void {
  removePostgresData(home);
  for (const path of [home.kafkaDir, home.connectDir, home.registryDir, home.secretsFile]) rmSync(path, { recursive: true, force: true });
}

async function confirm(question: string): Promise<boolean> {
  if (!stdin.isTTY) return false;
  const terminal = createInterface({ input: stdin, output: stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
