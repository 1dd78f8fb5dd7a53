/** Limits on the output of an attempt. */
import { type AttemptResult, failed } from './attempt-result.ts';

/** An output above the limit would be refused by a topic or a database later: the task fails instead, for good. */
export function limitOutput(result: AttemptResult, maxBytes: number): AttemptResult {
  if (result.status !== 'completed' || result.output.length * 3 <= maxBytes) return result;
  const bytes = Buffer.byteLength(result.output);
  if (bytes <= maxBytes) return result;
  return failed(
    'OUTPUT_TOO_LARGE',
    `The output has ${bytes} bytes, where ${maxBytes} are the limit. Keep it elsewhere and give a reference to it.`,
  );
}
