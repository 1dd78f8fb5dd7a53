/**
 * What one answer may hold, in bytes of JSON, whatever callers ask for and whatever instances hold: reading is bounded by it
 * too, so that no request fills the memory of a process.
 */

/** Of a value in a list; a larger one is left out there, and read whole by its id. */
export const listedBytesMax = 4_096;

/** Of all that a page holds. A page ends earlier than its limit where its items are large, but has at least one. */
export const pageBytesMax = 8_388_608;

/** Of one value that is read by its id, such as the output of a loop: its items' outputs together. */
export const valueBytesMax = 33_554_432;

/** Commands of an instance that are not applied yet, as an instance shows them. */
export const pendingMax = 100;

/** Versions of a definition that are listed with it: the newest. */
export const versionsMax = 500;
