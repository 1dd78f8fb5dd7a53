/** Malicious records by kind: others may write them to the topics, many at once and among good ones. */
import { randomUUID } from 'node:crypto';
import kafkajs, { type IHeaders, type Message } from 'kafkajs';
import { uuidv7 } from 'uuidv7';

const MIB = 1_048_576;

export type Poison = {
  readonly name: string;
  readonly topic: 'events' | 'notifications';
  readonly count: number;
  readonly compression?: kafkajs.CompressionTypes;
  readonly message: (n: number) => Message;
};

const cloud = (headers: IHeaders = {}, value: string | Buffer | null = '{}', key = 'k'): Message => ({
  ...{ key, value },
  headers: { ce_specversion: '1.0', ce_id: uuidv7(), ce_type: 'hostile.go', ce_source: 'hostile', ...headers },
});
const framed = (id: number, length: number): Buffer => {
  const frame = Buffer.alloc(5 + length, 0xfe);
  frame.writeUInt8(0, 0);
  frame.writeInt32BE(id, 1);
  return frame;
};
const structured = 'application/cloudevents+json';
const batch = 'application/cloudevents-batch+json';

/** @param schemaIds of the records that our topics hold. */
export function poisonsOf(schemaIds: readonly number[]): readonly Poison[] {
  const known = (n: number): number => schemaIds[n % schemaIds.length] ?? 1;
  const events = (name: string, count: number, message: Poison['message']): Poison => ({ name, topic: 'events', count, message });
  const notifications = (name: string, count: number, message: Poison['message']): Poison => ({
    name,
    topic: 'notifications',
    count,
    message,
  });
  const bombs = (['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const).map(
    (codec): Poison => ({
      ...{ name: `${codec} of 20 MiB`, topic: 'events', count: 4, compression: kafkajs.CompressionTypes[codec] },
      message: () => ({ key: 'k', value: Buffer.alloc(20 * MIB) }),
    }),
  );
  return [
    events('junk', 200, (n) => ({ key: 'k', value: `junk ${n}` })),
    events('no value', 200, () => ({ key: 'k', value: null })),
    events('an unknown schema', 200, (n) => ({ key: 'k', value: framed(0x7fffff00 + (n % 100), 100) })),
    events('a known schema and other bytes', 200, (n) => ({ key: 'k', value: framed(known(n), n * 10) })),
    events('lengths beyond the record', 200, (n) => ({ key: 'k', value: Buffer.concat([framed(known(n), 0), Buffer.alloc(9, 0xff)]) })),
    events('large keys', 10, () => ({ key: Buffer.alloc(900_000, 'k'), value: 'junk' })),
    events('large headers', 10, () => ({ key: 'k', value: 'junk', headers: { [randomUUID()]: Buffer.alloc(900_000) } })),
    events('10,000 headers', 10, () => ({
      ...{ key: 'k', value: 'junk' },
      headers: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`h${n}`, 'x'])),
    })),
    events('data that is no JSON', 200, (n) => cloud({}, `{"n":${n}`)),
    events('data far down', 20, () => cloud({}, `${'['.repeat(400_000)}${']'.repeat(400_000)}`)),
    events('a number beyond counting', 20, () => cloud({}, '9'.repeat(400_000))),
    events('data of other bytes', 50, () => cloud({ 'content-type': 'application/json' }, Buffer.alloc(10_000, 0xff))),
    events('a long correlation key', 50, () => cloud({}, '{}', 'k'.repeat(100_000))),
    events('a long id', 50, () => cloud({ ce_id: 'i'.repeat(100_000) })),
    events('a NUL', 50, () => cloud({ ce_source: 'a\u0000b' })),
    events('a time that is none', 50, () => cloud({ ce_time: '9'.repeat(10_000) })),
    events('an event that is an array', 50, () => ({ key: 'k', value: '[]', headers: { 'content-type': structured } })),
    events('a prototype', 50, () => ({
      key: 'k',
      value: '{"__proto__":{"type":"x"},"constructor":1}',
      headers: { 'content-type': structured },
    })),
    events('20,000 events in one record', 3, () => ({
      ...{ key: 'k', headers: { 'content-type': batch } },
      value: JSON.stringify(Array.from({ length: 20_000 }, () => ({}))),
    })),
    ...bombs,
    notifications('junk', 200, (n) => ({ key: uuidv7(), value: `junk ${n}` })),
    notifications('no key', 200, (n) => ({ key: null, value: framed(known(n), 50) })),
    notifications('no value', 200, () => ({ key: uuidv7(), value: null })),
    notifications('an unknown schema', 200, (n) => ({ key: uuidv7(), value: framed(0x7fffff00 + (n % 100), 100) })),
    notifications('a known schema and other bytes', 200, (n) => ({ key: uuidv7(), value: framed(known(n), n * 10) })),
    notifications('large keys', 10, () => ({ key: Buffer.alloc(900_000, 'k'), value: 'junk' })),
  ];
}
