/** Runs the commands of a page as they stand, by a shell. */
import { spawn } from 'node:child_process';

/** @returns what they printed, to whichever of the two streams. The first command that fails ends it. */
export async function runShell(
  script: string,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<{ readonly code: number | null; readonly output: string }> {
  return await new Promise((resolve, reject) => {
    const shell = spawn('sh', ['-euc', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    shell.stdout.on('data', keep);
    shell.stderr.on('data', keep);
    shell.once('error', reject);
    shell.once('close', (code) => resolve({ code, output }));
  });
}
