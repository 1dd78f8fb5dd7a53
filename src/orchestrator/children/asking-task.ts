/** Asks after children that were unheard of for long, and says wishes that a large step has left unsaid. That alone heals a lost start, word or end. */
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore } from '../../store/instance-store.ts';

export type AskingTaskOptions = {
  readonly store: Pick<InstanceStore, 'askChildren' | 'now'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofChildWord'>;
  readonly onAsked: (count: number) => void;
  /** Most children in one transaction; default 500. */
  readonly pageSize?: number;
};

/** A large step leaves rows that are due at once. */
const INTERVAL_MS = 1_000;

/** @returns what `service.repeat` runs again and again: it resolves with the ms to wait. */
export function createAskingTask({ store, outgoing, onAsked, pageSize = 500 }: AskingTaskOptions): () => Promise<number> {
  return async () => {
    const at = await store.now();
    const asked = await store.askChildren(pageSize, ({ childId, request }) => outgoing.ofChildWord(childId, request, at));
    if (asked > 0) onAsked(asked);
    return asked >= pageSize ? 0 : INTERVAL_MS;
  };
}
