/** The command line `millrace`: reads the arguments, runs one command, and ends with its exit code (see exit.ts). */
import { CommanderError } from 'commander';
import { describeError, exitCodeOf, exitCodes } from './exit.ts';
import { createProgram } from './program.ts';
import { preferSources } from './sources.ts';

preferSources();

// The reader closed the pipe, as in `millrace list | head`. That is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
});

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
