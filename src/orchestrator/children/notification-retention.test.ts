/** A topic that keeps its records longer than starts of children are applied is told of. */
import { expect, it } from 'vitest';
import { createNotificationRetentionTask } from './notification-retention.ts';

const DAY_MS = 24 * 3_600_000;

async function warningsFor(config: Readonly<Record<string, string>> | null): Promise<readonly unknown[]> {
  const said: unknown[] = [];
  const describeTopics = async (topics: readonly string[]) =>
    topics.flatMap((topic) => (config === null ? [] : [{ topic, partitions: 8, config }]));
  const log = { warn: (...words: readonly unknown[]) => void said.push(words[0]) };
  const look = createNotificationRetentionTask({ admin: { describeTopics }, topic: 'p.notifications', outboxRetentionMs: DAY_MS, log });
  expect(await look()).toBe(DAY_MS);
  return said;
}

it.each([
  ['seven days, as "millrace topics" makes it', { 'retention.ms': String(7 * DAY_MS) }],
  ['a moment less than what brings back starts that are too old', { 'retention.ms': String(13 * DAY_MS - 1) }],
  ['as long as the brokers say, when the topic says nothing', {}],
  ['nothing at all, since it is not there', null],
])('A topic that keeps records for %s is nothing to tell', async (_, config) => {
  expect(await warningsFor(config)).toEqual([]);
});

it.each([
  ['13 days', 13 * DAY_MS],
  ['a year', 365 * DAY_MS],
  ['ever', -1],
])('A topic that keeps records for %s is told, with its name and the time', async (_, retentionMs) => {
  expect(await warningsFor({ 'retention.ms': String(retentionMs) })).toEqual([
    { topic: 'p.notifications', retentionMs, outboxRetentionMs: DAY_MS },
  ]);
});
