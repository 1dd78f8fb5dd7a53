/** How old the start of a child may be. */

/**
 * A start whose id is older than this, and whose row is not there, is not applied: the child may have run and been deleted.
 * More than topics, outbox and what is published again can bring back, which the configuration sees to; less, with what clocks
 * differ by, than ended instances are kept (30 days).
 */
export const CHILD_AGE_MS_MAX = 14 * 24 * 3_600_000;
