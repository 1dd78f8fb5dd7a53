import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { AdminConnection } from './admin-connection.ts';

/** As kafkajs throws what a broker answers. */
function answer(type: string, retriable: boolean): Error {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, retriable }));
}

const notLeader = answer('NOT_LEADER_FOR_PARTITION', true);
const unauthorized = answer('TOPIC_AUTHORIZATION_FAILED', false);

/** @param failures of the calls, in their order. */
function openConnection(failures: readonly Error[], { metadataMaxAgeMs = 60_000, onConnect = () => Promise.resolve() } = {}) {
  const left = [...failures];
  const log: string[] = [];
  let opened = 0;
  const connection = new AdminConnection({
    metadataMaxAgeMs,
    open: () => {
      const name = ++opened;
      const admin = {
        connect: onConnect,
        disconnect: async () => void log.push(`disconnect ${name}`),
        ask: async () => {
          log.push(`ask ${name}`);
          const failure = left.shift();
          if (failure !== undefined) throw failure;
          return name;
        },
      };
      return { admin, close: () => log.push(`close ${name}`) };
    },
  });
  return { connection, log, ask: () => connection.run('answer', (admin) => admin.ask()) };
}

describe('a call', () => {
  it.each([
    ['thrown by the broker', notLeader],
    ['given up by kafkajs', new kafkajs.KafkaJSNumberOfRetriesExceeded(notLeader, { retryCount: 4, retryTime: 1_000 })],
    ['one of several', Object.assign(new Error('several'), { errors: [notLeader] })],
  ])('is repeated after what Kafka calls retriable, %s, on a connection that knows nothing of before', async (_, failure) => {
    const { log, ask } = openConnection([failure]);
    expect(await ask()).toBe(2);
    expect(log.filter((entry) => entry.startsWith('ask'))).toEqual(['ask 1', 'ask 2']);
    await expect.poll(() => log).toContain('close 1');
    expect(log).not.toContain('close 2');
  });

  it('is not repeated after a refusal, and the next one begins anew', async () => {
    const { log, ask } = openConnection([unauthorized]);
    await expect(ask()).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
      message: 'Kafka could not answer: TOPIC_AUTHORIZATION_FAILED',
    });
    expect(log.filter((entry) => entry.startsWith('ask'))).toEqual(['ask 1']);
    expect(await ask()).toBe(2);
  });

  it('does not wait for a broker that is away', async () => {
    let tries = 0;
    const { ask } = openConnection([], {
      onConnect: async () => {
        tries++;
        throw new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED', { broker: '127.0.0.1:9092', code: 'ECONNREFUSED' });
      },
    });
    await expect(ask()).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', retryable: true });
    expect(tries).toBe(1);
  });

  it('has a new connection where the last one is too old, whose calls end first', async () => {
    const { connection, log, ask } = openConnection([], { metadataMaxAgeMs: 0 });
    const under = Promise.withResolvers<string>();
    const first = connection.run('wait', () => under.promise);
    expect(await ask()).toBe(2);
    expect(log).not.toContain('close 1');
    under.resolve('waited');
    expect(await first).toBe('waited');
    await expect.poll(() => log).toContain('close 1');
  });

  it('is refused after the end, which closes whatever is open', async () => {
    const { connection, log, ask } = openConnection([]);
    await ask();
    await connection.close();
    expect(log).toEqual(['ask 1', 'disconnect 1', 'close 1']);
    await expect(ask()).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', retryable: true });
  });
});
