/**
 * Creates what a queue needs before the first definition that uses it is deployed: its topic, its subjects, and the row
 * that allows outbox messages to its topic. In this order, because a message to a missing topic would stop the connector.
 */

export type QueueMaker = {
  /** Creates the topic; safe to repeat. */
  readonly makeTopic: (queue: string) => Promise<void>;
  /** Registers the subjects; safe to repeat, but not from two callers at once. */
  readonly register: (queue: string) => Promise<void>;
  /** Allows outbox messages to its topic. */
  readonly admit: (queue: string) => Promise<void>;
};

/** @returns a function that creates queues one after the other, and does nothing for those that it has created before. */
export function createQueues({ makeTopic, register, admit }: QueueMaker): (queues: readonly string[]) => Promise<void> {
  const made = new Set<string>();
  let previous: Promise<void> = Promise.resolve();

  async function make(queues: readonly string[]): Promise<void> {
    for (const queue of queues) {
      if (made.has(queue)) continue;
      await makeTopic(queue);
      await register(queue);
      await admit(queue);
      made.add(queue);
    }
  }

  return (queues) => {
    if (queues.every((queue) => made.has(queue))) return Promise.resolve();
    const current = previous.then(() => make(queues));
    // An error of this call must not fail the next one.
    previous = current.catch(() => undefined);
    return current;
  };
}
