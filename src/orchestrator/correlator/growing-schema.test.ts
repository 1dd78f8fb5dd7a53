/** A producer of another team adds a field to its schema, and widens another one, while instances wait for its events. */
import { expect, it } from 'vitest';
import { memoryStore } from '../../../test/support/memory-store.ts';
import { definitionOf } from '../../../test/support/scenario.ts';
import { matcher, openLab } from '../../../test/support/store-lab.ts';
import type { ExternalEvent } from '../../core/external-event.ts';
import { avroTypeOf } from '../../messaging/avro.ts';
import { createCodec } from '../../messaging/codec.ts';
import { readEvents } from '../../messaging/events/read-events.ts';
import { MemoryRegistry } from '../../messaging/memory/registry.ts';
import { frameBytes, writeFrameHead } from '../../messaging/wire-format.ts';

const TYPE = 'payment.settled';
const TOPIC = 'payments';
const registry = new MemoryRegistry();
const codec = createCodec({ registry });
let offset = 0n;

const paid = (...fields: readonly object[]) => ({ type: 'record', name: 'Paid', namespace: 'shop', fields });
const before = paid({ name: 'cents', type: 'int' });
const grown = paid(
  { name: 'cents', type: 'long' },
  { name: 'currency', type: 'string', default: 'EUR' },
  { name: 'note', type: ['null', 'string'], default: null },
);

/** As the topic holds it: the framed bytes under the headers of a CloudEvent, read by the correlator's own reader. */
async function written(schema: unknown, data: unknown): Promise<ExternalEvent> {
  const head = Buffer.alloc(frameBytes);
  writeFrameHead(head, registry.add('payments-value', JSON.stringify(schema)));
  const headers = { ce_specversion: '1.0', ce_id: `e-${offset}`, ce_type: TYPE, ce_source: 'shop', 'content-type': 'application/avro' };
  const record = {
    ...{ topic: TOPIC, partition: 0, offset: offset++, timestamp: 0, key: Buffer.from('order-1') },
    value: Buffer.concat([head, avroTypeOf(schema).toBuffer(data)]),
    headers: Object.entries(headers).map(([key, text]) => ({ key, value: Buffer.from(text) })),
  };
  const read = await readEvents(record, { codec });
  if (read.kind === 'tombstone' || read.events[0] === undefined) throw new Error('the record holds no event');
  return read.events[0];
}

it('an instance that waits gets events of the schema before and of the one that has grown, and its `where` reads both', async () => {
  const lab = await openLab(memoryStore(matcher));
  await lab.store.registerEventTypes([TYPE]);
  const hear = { type: 'event', event: TYPE, key: 'order-1', where: 'event.data.cents >= 100', count: 3 };
  const instanceId = await lab.start(definitionOf({ id: 'waits', nodes: { hear } }), {});
  const deliver = async (event: ExternalEvent) => (await lab.store.correlate([event], matcher)).matched;

  expect(await deliver(await written(before, { cents: 100 }))).toBe(1);
  expect(await deliver(await written(grown, { cents: 99, currency: 'EUR', note: null }))).toBe(0);
  expect(await deliver(await written(grown, { cents: 5_000_000_000, currency: 'CHF', note: 'late' }))).toBe(1);
  // A producer that was not upgraded yet.
  expect(await deliver(await written(before, { cents: 200 }))).toBe(1);
  expect((await lab.matchesOf(instanceId)).map(({ event }) => event)).toMatchObject([
    { cents: 100 },
    { cents: 5_000_000_000, currency: 'CHF', note: 'late' },
    { cents: 200 },
  ]);
});
