/**
 * Raised by every change to what the core decides. A worker goes on by itself only where this is the number of the engine that
 * sent it the task: two versions of the core may decide differently.
 */
export const engineVersion = 5;
