/** What an instance may take in the memory of whoever works on it: a step that would make it larger is not applied. */
import { MillraceError } from '../../core/error.ts';
import { recordsOnly } from '../../core/instance/index.ts';
import type { StepResult } from '../../core/instance/step.ts';
import { estimateStateBytes } from './state-size.ts';

export const INSTANCE_BYTES_MAX = 134_217_728;

/**
 * Counts what is loaded: a step in one item of a loop is not charged for the others.
 * @throws MillraceError `MR_STATE_TOO_LARGE`, not retryable. What only records that something was refused always fits.
 */
export function assertFits({ state, history }: Pick<StepResult, 'state' | 'history'>, bytesMax: number): void {
  if (recordsOnly(history)) return;
  const bytes = estimateStateBytes(state);
  if (bytes <= bytesMax) return;
  throw new MillraceError(
    'MR_STATE_TOO_LARGE',
    `The instance would take about ${bytes} bytes of memory with the inputs and outputs that it still refers to, and may take MILLRACE_LIMIT_INSTANCE_BYTES, ${bytesMax}.`,
    { retryable: false },
  );
}
