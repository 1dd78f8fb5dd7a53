/** Looks up the schemas of a definition's queues, once: afterwards its messages can be made without waiting. */
import { definitionQueues } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import type { OutgoingMessages } from '../messaging/outgoing.ts';

export class QueuePreparation {
  readonly #outgoing: Pick<OutgoingMessages, 'prepareQueues'>;
  readonly #prepared = new WeakSet<Definition>();

  constructor(outgoing: Pick<OutgoingMessages, 'prepareQueues'>) {
    this.#outgoing = outgoing;
  }

  has(definition: Definition): boolean {
    return this.#prepared.has(definition);
  }

  /** Resolves when messages for its queues can be made. Throws a MillraceError while the registry is away or lacks a schema. */
  async prepare(definition: Definition): Promise<void> {
    if (this.has(definition)) return;
    await this.#outgoing.prepareQueues(definitionQueues(definition));
    this.#prepared.add(definition);
  }
}
