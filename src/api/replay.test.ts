import { describe, expect, it } from 'vitest';
import { MillraceError } from '../core/error.ts';
import type { LogProducer, OutgoingRecord } from '../messaging/log.ts';
import { createReplay } from './replay.ts';

const record: OutgoingRecord = { topic: 't', partition: 0, key: null, value: Buffer.from('v') };

function producerThat(send: LogProducer['send']): {
  readonly opened: () => number;
  readonly stopped: () => number;
  readonly open: () => LogProducer;
} {
  let opened = 0;
  let stopped = 0;
  const producer: LogProducer = {
    send,
    ready: () => Promise.resolve(),
    pending: () => ({ records: 0, bytes: 0 }),
    stop: async () => {
      stopped++;
    },
  };
  return {
    opened: () => opened,
    stopped: () => stopped,
    open: () => {
      opened++;
      return producer;
    },
  };
}

describe('A replay', () => {
  it('opens the producer at the first one only, and closes what it opened', async () => {
    const sent: OutgoingRecord[] = [];
    const producer = producerThat(async (records) => {
      sent.push(...records);
    });
    const unused = createReplay(producer.open);
    await unused.stop();
    expect(producer.opened()).toBe(0);
    const replay = createReplay(producer.open);
    await replay.send(record);
    await replay.send(record);
    await replay.stop();
    expect({ opened: producer.opened(), stopped: producer.stopped(), sent }).toEqual({ opened: 1, stopped: 1, sent: [record, record] });
  });

  it('is answered as unavailable when the broker takes too long, and a later refusal is nobody’s', async () => {
    const late = Promise.withResolvers<void>();
    const replay = createReplay(producerThat(() => late.promise).open, 1);
    await expect(replay.send(record)).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', retryable: true });
    late.reject(new MillraceError('MR_RECORD_REFUSED', 'too late', { retryable: false }));
    await expect(late.promise).rejects.toThrow('too late');
  });

  it('says when the broker will never take the record', async () => {
    const refused = new MillraceError('MR_RECORD_REFUSED', 'no such topic', { retryable: false });
    await expect(createReplay(producerThat(() => Promise.reject(refused)).open).send(record)).rejects.toBe(refused);
  });
});
