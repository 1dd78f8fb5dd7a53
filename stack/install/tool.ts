/** What the installers share: running a tool of the machine, and putting what it made in place. */
import { spawn } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';

/** Resolves when the tool ends well. @param missing what to say when the PATH has no such tool. */
export async function runTool(
  command: string,
  args: readonly string[],
  { signal, missing }: { readonly signal?: AbortSignal | undefined; readonly missing?: string } = {},
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const tool = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal === undefined ? {} : { signal }) });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4_000);
    };
    tool.stdout.on('data', keep);
    tool.stderr.on('data', keep);
    tool.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Error(cause.code === 'ENOENT' && missing !== undefined ? missing : `${command} could not be started: ${cause.message}`, {
          cause,
        }),
      ),
    );
    tool.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with exit code ${code}. The end of its output:\n${output}`)),
    );
  });
}

/** Another starter may have brought the same folder meanwhile; then that one stays. */
export function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}
