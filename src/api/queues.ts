/**
 * Makes what a queue needs before the first definition that uses it is deployed: its topic, its subjects, and the row
 * that lets the outbox address it, in that order: a row for a topic that is missing would halt the connector.
 */

export type QueueMaker = {
  /** Makes the topic at the broker; safe to repeat. */
  readonly makeTopic: (queue: string) => Promise<void>;
  /** Registers the subjects; safe to repeat, but not from two callers at once. */
  readonly register: (queue: string) => Promise<void>;
  /** Lets the outbox take messages for it. */
  readonly admit: (queue: string) => Promise<void>;
};

/** @returns what makes queues, one after the other; those that it made once are known. */
export function createQueues({ makeTopic, register, admit }: QueueMaker): (queues: readonly string[]) => Promise<void> {
  const made = new Set<string>();
  let turn: Promise<void> = Promise.resolve();

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
    const mine = turn.then(() => make(queues));
    // Whoever comes next must not fail for this one's fault.
    turn = mine.catch(() => undefined);
    return mine;
  };
}
