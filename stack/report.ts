/**
 * What the starter writes to the terminal. On a terminal a list of steps that is redrawn while they run; elsewhere (a pipe,
 * CI) one plain line when a step begins and one when it ends.
 */
import { Listr } from 'listr2';
import pc from 'picocolors';
import type { OnProgress, ProgressEvent } from './progress.ts';

const marks: Record<ProgressEvent['status'], string> = {
  running: pc.dim('…'),
  done: pc.green('✔'),
  note: pc.yellow('!'),
  failed: pc.red('✖'),
};

export function printProgress({ status, text }: ProgressEvent): void {
  print(`  ${marks[status]} ${status === 'running' ? pc.dim(text) : text}`);
}

export interface Step {
  readonly step: string;
  readonly title: string;
}

/** Shows the progress of `work`, whose events name these steps; other events are printed as lines when it is over. */
export async function withProgress<T>(steps: readonly Step[], work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  // In a narrow or unmeasured terminal every redraw would wrap.
  if (!process.stdout.isTTY || process.stdout.columns < 60 || process.env.CI !== undefined) return await work(printProgress);
  const rows = new Map(steps.map(({ step }) => [step, { ...Promise.withResolvers<void>(), setTitle: (_: string): void => undefined }]));
  const rest: ProgressEvent[] = [];
  const list = new Listr(
    steps.map(({ step, title }) => ({
      title: pc.dim(title),
      task: async (_: unknown, task: { title: string }): Promise<void> => {
        const row = rows.get(step);
        if (row === undefined) return;
        row.setTitle = (text) => {
          task.title = text;
        };
        await row.promise;
      },
    })),
    // Signals are the starter's: a renderer that exits on Ctrl-C would leave everything behind.
    { concurrent: true, exitOnError: false, registerSignalListeners: false },
  );
  const shown = list.run();
  try {
    return await work((event) => {
      const row = rows.get(event.step);
      if (row === undefined || event.status === 'note') {
        rest.push(event);
        return;
      }
      row.setTitle(event.text);
      if (event.status === 'done') row.resolve();
      if (event.status === 'failed') row.reject(new Error(event.text));
    });
  } finally {
    for (const row of rows.values()) row.resolve();
    await shown;
    for (const event of rest) if (event.status !== 'running') printProgress(event);
  }
}

// A reader that closes the pipe early (`npm start | head`) must not crash the starter.
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
