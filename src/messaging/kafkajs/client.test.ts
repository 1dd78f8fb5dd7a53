import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs, { logLevel } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { registerCodecs } from './codecs.ts';
import { kafkaConfig } from './index.ts';
import { forwardLogs } from './logging.ts';
import { mendRequestQueue } from './request-queue.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('every codec gives back what it was given', async () => {
  registerCodecs(1_000_000);
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  for (const type of [CompressionTypes.GZIP, CompressionTypes.Snappy, CompressionTypes.LZ4, CompressionTypes.ZSTD] as const) {
    const codec = CompressionCodecs[type]();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (array) => {
        const buffer = Buffer.from(array);
        expect(Buffer.from(await codec.decompress(await codec.compress({ buffer })))).toEqual(buffer);
      }),
      { numRuns: 30 },
    );
  }
});

describe('the request queue of kafkajs', () => {
  test('sets no timer while nothing is pending', () => {
    mendRequestQueue();
    mendRequestQueue();
    const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
      readonly prototype: { readonly scheduleCheckPendingRequests: () => void };
    };
    const queue = {
      pending: [],
      throttledUntil: -1,
      throttleCheckTimeoutId: null as NodeJS.Timeout | null,
      checkPendingRequests: () => undefined,
    };
    prototype.scheduleCheckPendingRequests.call(queue);
    expect(queue.throttleCheckTimeoutId).toBeNull();
    const busy = { ...queue, pending: [1] };
    prototype.scheduleCheckPendingRequests.call(busy);
    expect(busy.throttleCheckTimeoutId).not.toBeNull();
    clearTimeout(busy.throttleCheckTimeoutId ?? undefined);
  });
});

describe('options', () => {
  test('carry TLS and SASL as they are given', () => {
    const config = kafkaConfig(
      {
        brokers: ['a:1', 'b:2'],
        clientId: 'c',
        ssl: { ca: 'pem' },
        sasl: { mechanism: 'scram-sha-512', username: 'ada', password: 'lovelace' },
      },
      quiet,
    );
    expect(config).toMatchObject({
      brokers: ['a:1', 'b:2'],
      ssl: { ca: 'pem' },
      sasl: { mechanism: 'scram-sha-512', username: 'ada', password: 'lovelace' },
    });
  });

  test('without them, neither is used', () => {
    expect(Object.keys(kafkaConfig({ brokers: ['a:1'], clientId: 'c' }, quiet))).not.toEqual(expect.arrayContaining(['ssl']));
  });
});

test('an error that kafkajs repeats is told once in a while', () => {
  let now = 0;
  const told: string[] = [];
  const forward = forwardLogs({ ...quiet, warn: (_, message) => told.push(message) }, () => now);
  const entry = (message: string, level = logLevel.ERROR) => ({
    level,
    namespace: 'Connection',
    label: '',
    log: { timestamp: '', message },
  });
  forward(entry('refused'));
  forward(entry('refused'));
  forward(entry('group rebalances', logLevel.WARN));
  now = 30_000;
  forward(entry('refused'));
  expect(told).toEqual(['Kafka client: refused', 'Kafka client: refused']);
});
