/** How a node can end other than completed, as edges name it. */
export type FailureEnding = 'failed' | 'timedOut' | 'any';

/** For nodes that the engine runs by itself. */
export function whyNeverFails({ type }: { readonly type: string }): string {
  return `a ${type} neither fails nor times out (an expression that fails is an incident).`;
}
