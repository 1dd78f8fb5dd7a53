/**
 * Tells that instances have ended, after the commit and without the outbox: a short instance has one row there less of two. At
 * least once: the offset of the record that ended an instance is committed once the broker has the word, and a record that is read
 * again finds the instance ended, so the word is said again. Relies on that every end on this way is caused by a record of the
 * instance's partition; an instance that ends with its start says so by the outbox.
 */
import { type InstanceState, statusOf } from '../../core/instance/state/state.ts';
import type { LogProducer, OutgoingRecord } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import { producedHeaders } from '../../messaging/produced-headers.ts';

/** Resolves when the broker has the word of each; rejects when the producer was stopped first. */
export type TellEnds = (ended: readonly InstanceState[]) => Promise<void>;

const HEADERS = producedHeaders('InstanceChanged');

export function createEndTeller(outgoing: Pick<OutgoingMessages, 'ofEffects'>, producer: Pick<LogProducer, 'send'>): TellEnds {
  return async (ended) => {
    if (ended.length === 0) return;
    await producer.send(ended.flatMap((state) => recordsOf(outgoing, state)));
  };
}

function recordsOf(outgoing: Pick<OutgoingMessages, 'ofEffects'>, state: InstanceState): OutgoingRecord[] {
  const { seq, updatedAt, endedAt } = state;
  const messages = outgoing.ofEffects(state, [
    { type: 'lifecycle', change: 'ended', status: statusOf(state), path: null, seq, at: endedAt ?? updatedAt },
  ]);
  return messages.map(({ topic, key, partition, payload }) => ({
    ...{ topic, key, value: payload, headers: HEADERS },
    ...(partition === null ? {} : { partition }),
  }));
}
