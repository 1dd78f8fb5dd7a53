/** How often a batch that lost the version check is decided again at once. After that it waits a little. */
import { MillraceError } from '../../core/error.ts';

/** Two owners of a partition, which happens for a moment at a rebalance, lose fewer checks in a row. */
export const ATTEMPTS_MAX = 5;

export function versionConflict(): MillraceError {
  return new MillraceError('MR_VERSION_CONFLICT', 'Somebody else writes the same instances.', { retryable: true });
}
