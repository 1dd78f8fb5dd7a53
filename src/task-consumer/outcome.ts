/** Limits on the output of an attempt. */
import { type AttemptResult, failed } from './attempt-result.ts';

/** A topic or a database would refuse an output above the limit later, so the attempt fails instead, and is not retried. */
export function limitOutput(result: AttemptResult, maxBytes: number): AttemptResult {
  if (result.status !== 'completed' || result.output.length * 3 <= maxBytes) return result;
  const bytes = Buffer.byteLength(result.output);
  if (bytes <= maxBytes) return result;
  return failed(
    'OUTPUT_TOO_LARGE',
    `The output has ${bytes} bytes, but may have at most ${maxBytes}. Store it elsewhere and return a reference to it.`,
  );
}
