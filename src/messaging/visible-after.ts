/**
 * How long to wait before each further look for what a record speaks of, in ms, about 5 s in all: a record can overtake the visibility of its
 * commit. A commit becomes visible within microseconds, unless the machine is overloaded.
 */
export const visibleAfterMs: readonly number[] = [5, 10, 20, 50, 100, 200, 400, 800, 1_600, 1_600];
