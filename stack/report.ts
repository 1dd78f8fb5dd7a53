/** What the starter writes to the terminal: one line a step, in colour on a terminal, plain elsewhere. */
import pc from 'picocolors';
import type { ProgressEvent } from './progress.ts';

const marks: Record<ProgressEvent['status'], string> = {
  running: pc.dim('…'),
  done: pc.green('✔'),
  note: pc.yellow('!'),
  failed: pc.red('✖'),
};

export function printProgress({ status, text }: ProgressEvent): void {
  print(`  ${marks[status]} ${status === 'running' ? pc.dim(text) : text}`);
}

// Somebody who reads no further (`npm start | head`) is no reason to crash.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Two columns, the first as wide as its longest entry. */
export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) print(`  ${pc.bold(name.padEnd(width))}  ${value}`);
}
