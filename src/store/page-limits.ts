/**
 * What one answer may hold, in bytes of JSON, whatever callers ask for and whatever instances hold: reading is bounded by it
 * too, so that no request fills the memory of a process.
 */

/** Of a value in a list; a larger one is left out there, and read whole by its id. */
export const listedBytesMax = 4_096;

/** Of all that a page holds. A page ends earlier than its limit where its items are large, but has at least one. */
export const pageBytesMax = 2_097_152;

/** Of what a live stream reads at once: a thousand clients that read slowly each hold as much. */
export const streamBytesMax = 262_144;

/**
 * Of one value that is read by its id. A payload is never larger; the output of a loop, which is all outputs of its items together,
 * can be.
 */
export const valueBytesMax = 16_777_216;

/** Commands of an instance that are not applied yet, as an instance shows them. */
export const pendingMax = 100;

/** Versions of a definition that are listed with it: the newest. */
export const versionsMax = 500;
