import { expect, test } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { ExternalEvent } from '../../core/external-event.ts';
import type { LogHeader, LogRecord } from '../../messaging/log.ts';
import { createMetrics } from '../../service/metrics.ts';
import type { DeadLetterEntry } from '../dead-letters/dead-letter-sink.ts';
import { createOrchestratorMetrics } from '../orchestrator-metrics.ts';
import { memoryCodec, silent } from '../testing/fixture.ts';
import { createCorrelator } from './correlator.ts';

const TOPIC = 'p.events';
const matcher = {
  matches: () => 'yes' as const,
  encode: () => {
    throw new Error('the store of these tests matches nothing');
  },
};

class Correlation {
  readonly calls: string[][] = [];
  readonly entries: DeadLetterEntry[] = [];
  refuse: (events: readonly ExternalEvent[]) => Error | null = () => null;
  readonly run;
  readonly codec;
  readonly registry;

  readonly metrics = createMetrics('test');

  private constructor({ codec, registry }: Awaited<ReturnType<typeof memoryCodec>>) {
    this.codec = codec;
    this.registry = registry;
    this.run = createCorrelator({
      codec,
      ...{ maxBytes: 1_000, maxMessageBytes: 100_000, deadLetterTopic: 'p.dead-letters' },
      starter: { prepare: async () => () => null },
      store: {
        startByEvents: async () => ({ started: 0, failed: [] }),
        correlate: async (events) => {
          const error = this.refuse(events);
          if (error !== null) throw error;
          this.calls.push(events.map(({ id }) => id));
          return { matched: events.length, started: 0, buffered: 0, duplicates: 0, ignored: 0, failed: [] };
        },
      },
      matcher,
      deadLetters: {
        send: async (entries) => {
          this.entries.push(...entries);
        },
      },
      log: silent,
      metrics: createOrchestratorMetrics(
        this.metrics,
        () => [],
        () => 0,
      ),
    });
  }

  static async open(): Promise<Correlation> {
    return new Correlation(await memoryCodec());
  }

  async process(...values: readonly (Buffer | null)[]): Promise<void> {
    await this.processWith([], ...values);
  }

  async processWith(headers: readonly LogHeader[], ...values: readonly (Buffer | null)[]): Promise<void> {
    await this.processOf(0, headers, ...values);
  }

  async processOf(partition: number, headers: readonly LogHeader[], ...values: readonly (Buffer | null)[]): Promise<void> {
    const records = values.map(
      (value, offset): LogRecord => ({
        topic: TOPIC,
        partition,
        offset: BigInt(offset),
        timestamp: 0,
        key: Buffer.from('k'),
        value,
        headers,
      }),
    );
    await this.run({ topic: TOPIC, partition, records, context: null });
  }

  event(id: string, data = '{}'): Buffer {
    return this.codec.encode('ExternalEvent', TOPIC, { id, type: 'paid', source: 'bank', key: 'k', time: null, data });
  }
}

test('hands the events of a batch to the store in their order, in one call', async () => {
  const correlation = await Correlation.open();
  await correlation.process(correlation.event('a'), correlation.event('b'), correlation.event('c'));
  expect(correlation.calls).toEqual([['a', 'b', 'c']]);
  expect(correlation.entries).toEqual([]);
});

test('makes a dead letter of what is no event, and takes the rest', async () => {
  const correlation = await Correlation.open();
  const large = correlation.event('large', JSON.stringify('x'.repeat(2_000)));
  await correlation.process(correlation.event('a'), Buffer.from('no frame'), null, large, correlation.event('b'));
  expect(correlation.calls).toEqual([['a', 'b']]);
  expect(correlation.entries.map(({ code, record }) => [code, record.offset])).toEqual([
    ['MR_NOT_FRAMED', 1n],
    ['MR_TOO_LARGE', 3n],
  ]);
});

test('counts tombstones, and sets none aside', async () => {
  const correlation = await Correlation.open();
  await correlation.process(null, correlation.event('a'), null);
  expect(correlation.calls).toEqual([['a']]);
  expect(correlation.entries).toEqual([]);
  expect(await correlation.metrics.registry.getSingleMetricAsString('millrace_events_total')).toContain(
    'result="tombstone",process="test"} 2',
  );
});

test('takes every valid event of a batch in one record, and sets the record aside for the others', async () => {
  const correlation = await Correlation.open();
  const event = (id: string) => ({ specversion: '1.0', id, type: 'paid', source: 'bank' });
  const headers = [{ key: 'content-type', value: Buffer.from('application/cloudevents-batch+json') }];
  await correlation.processWith(headers, Buffer.from(JSON.stringify([event('a'), { ...event('b'), type: 1 }, event('c')])));
  expect(correlation.calls).toEqual([['a', 'c']]);
  expect(correlation.entries).toMatchObject([
    { code: 'MR_EVENT_INVALID', reason: 'event 1 of the batch: the attribute type is not a string' },
  ]);
});

test('finds the one event that the database never takes; the others keep their order', async () => {
  const correlation = await Correlation.open();
  const tooLarge = new MillraceError('MR_MESSAGE_TOO_LARGE', 'too large', { retryable: false });
  correlation.refuse = (events) => (events.some(({ id }) => id === 'c') ? tooLarge : null);
  await correlation.process(...['a', 'b', 'c', 'd', 'e'].map((id) => correlation.event(id)));
  expect(correlation.calls.flat()).toEqual(['a', 'b', 'd', 'e']);
  expect(correlation.entries).toMatchObject([
    { code: 'MR_STEP_FAILED', reason: 'MR_MESSAGE_TOO_LARGE: too large', record: { offset: 2n } },
  ]);
});

test('hands the events of all partitions that are ready to the store in one call, and each sets aside its own', async () => {
  const correlation = await Correlation.open();
  const tooLarge = new MillraceError('MR_MESSAGE_TOO_LARGE', 'too large', { retryable: false });
  correlation.refuse = (events) => (events.some(({ id }) => id === 'bad') ? tooLarge : null);
  await Promise.all([
    correlation.processOf(0, [], correlation.event('a')),
    correlation.processOf(1, [], correlation.event('b'), correlation.event('bad')),
  ]);
  expect(correlation.calls.flat()).toEqual(['a', 'b']);
  expect(correlation.entries).toMatchObject([{ code: 'MR_STEP_FAILED', record: { partition: 1, offset: 1n } }]);
  await Promise.all([2, 3, 4].map((partition) => correlation.processOf(partition, [], correlation.event(`of ${partition}`))));
  expect(correlation.calls.at(-1)).toEqual(['of 2', 'of 3', 'of 4']);
});

test.each(['database', 'registry'])('throws while the %s is away, and sets nothing aside', async (what) => {
  const correlation = await Correlation.open();
  const value = correlation.event('a');
  if (what === 'registry') correlation.registry.available = false;
  else correlation.refuse = () => new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
  await expect(correlation.process(Buffer.from('no frame'), value)).rejects.toMatchObject({ retryable: true });
  expect(correlation.entries).toEqual([]);
});
