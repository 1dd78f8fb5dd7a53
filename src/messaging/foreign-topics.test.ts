import { expect, test } from 'vitest';
import { assertEventTopics, assertPublishTopics } from './foreign-topics.ts';
import type { TopicDescription } from './log.ts';

const MAX = 1_000;

/** Topics of the broker, by their limit of a record. */
async function check(publishTopics: readonly string[], there: Readonly<Record<string, number>>): Promise<void> {
  const described = Object.entries(there).map(
    ([topic, bytes]): TopicDescription => ({ topic, partitions: 1, config: { 'max.message.bytes': String(bytes) } }),
  );
  const describeTopics = async (topics: readonly string[]) => described.filter(({ topic }) => topics.includes(topic));
  await assertPublishTopics({ describeTopics }, publishTopics, MAX);
}

test('topics that are there and take what the outbox takes may be published to', async () => {
  await check([], {});
  await check(['orders', 'invoices'], { orders: MAX, invoices: MAX + 1, other: 1 });
});

test('all others are named with what is wrong, and what to do', async () => {
  const refused = check(['orders', 'typo', 'small'], { orders: MAX, small: MAX - 1 });
  await expect(refused).rejects.toMatchObject({ code: 'MR_PUBLISH_TOPIC', retryable: false });
  await expect(refused).rejects.toThrow(
    'typo does not exist, or this login may not see it; small takes 999 bytes at most (max.message.bytes), fewer than 1000. Millrace does not make',
  );
  await expect(refused).rejects.toThrow('take them off the list, and run `millrace topics` again');
});

test('topics of events that are missing are named; they may come at any time', async () => {
  const missingTopics = async (topics: readonly string[]) => topics.filter((topic) => !['orders', 'payments'].includes(topic));
  await assertEventTopics({ missingTopics }, ['orders', 'payments']);
  const refused = assertEventTopics({ missingTopics }, ['orders', 'typo', 'other']);
  await expect(refused).rejects.toMatchObject({ code: 'MR_EVENT_TOPIC', retryable: true });
  await expect(refused).rejects.toThrow('typo, other do not, or this login');
});
