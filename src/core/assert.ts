/** Checks of what the code itself guarantees. One that fails is a bug in our code, never an error of the input. */

/** Ends an exhaustive switch: a new member of the union is a compile error here. */
export function assertNever(value: never): never {
  throw new Error(`Bug: unhandled case ${JSON.stringify(value)}`);
}

/** @param message completes "Bug: …". */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Bug: ${message}`);
}
