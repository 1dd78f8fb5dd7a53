import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { avroTypeOf } from './avro.ts';
import { createCodec, invalidMessageOf } from './codec.ts';
import { fullNames, type Records, recordNames, schemaTexts } from './generated/records.ts';
import { MemoryRegistry } from './memory/registry.ts';
import { frameBytes, writeFrameHead } from './wire-format.ts';

const topic = 'millrace.notifications';

async function prepared(options: { readonly now?: () => number } = {}) {
  const registry = new MemoryRegistry();
  for (const record of recordNames) registry.addRecord(topic, record);
  const codec = createCodec({ registry, ...options });
  await codec.prepare(recordNames.map((record) => ({ topic, record })));
  return { registry, codec };
}

const timer: Records['TimerFired'] = {
  instanceId: '01890000-0000-7000-8000-000000000001',
  timerId: 'retry:order:1',
  kind: 'retry',
  taskId: null,
  attempt: 1,
  dueAt: 1_700_000_000_000,
};

function framed(id: number, avro: Buffer): Buffer {
  const head = Buffer.alloc(frameBytes);
  writeFrameHead(head, id);
  return Buffer.concat([head, avro]);
}

describe('what was encoded is decoded', () => {
  test('for every value of a record with all kinds of fields', async () => {
    const { codec } = await prepared();
    const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
    const deadLetters = fc.record({
      code: fc.string(),
      reason: fc.string({ unit: 'binary' }),
      topic: fc.string(),
      partition: fc.integer(),
      offset: fc.nat({ max: 2 ** 52 - 1 }),
      key: fc.option(bytes),
      value: fc.option(bytes),
      headers: fc.array(fc.record({ key: fc.string(), value: bytes }), { maxLength: 5 }),
      at: fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }),
      instanceId: fc.option(fc.string()),
      omitted: fc.option(fc.string()),
    });
    await fc.assert(
      fc.asyncProperty(deadLetters, async (deadLetter) => {
        const decoded = await codec.decode(codec.encode('DeadLetter', topic, deadLetter), ['DeadLetter']);
        expect(decoded).toEqual({ ok: true, record: 'DeadLetter', value: deadLetter });
      }),
    );
  });

  test('beyond the space that is kept for encoding', async () => {
    const { codec } = await prepared();
    const value = Buffer.alloc(500_000, 'x');
    const deadLetter = {
      code: 'c',
      reason: 'r',
      topic,
      partition: 0,
      offset: 1,
      key: null,
      value,
      headers: [],
      at: 0,
      instanceId: null,
      omitted: null,
    };
    const decoded = await codec.decode(codec.encode('DeadLetter', topic, deadLetter), ['DeadLetter']);
    expect(decoded.ok && decoded.value.value?.equals(value)).toBe(true);
  });

  test('at once, when the schema of the writer is known', async () => {
    const { codec, registry } = await prepared();
    const bytes = codec.encode('TimerFired', topic, timer);
    expect(codec.decode(bytes, ['TimerFired'])).toBeInstanceOf(Promise);
    await codec.decode(bytes, ['TimerFired']);
    expect(codec.decode(bytes, ['TaskOutcome', 'TimerFired'])).toEqual({ ok: true, record: 'TimerFired', value: timer });
    expect(registry.calls.schemaById).toBe(1);
  });
});

describe('versions of a schema meet', () => {
  const schema = JSON.parse(schemaTexts.TimerFired) as { fields: { name: string; type: unknown; default?: unknown }[] };

  test('a newer writer: what it added is left out', async () => {
    const { codec, registry } = await prepared();
    const newer = { ...schema, fields: [{ name: 'continuing', type: ['null', 'string'], default: null }, ...schema.fields] };
    const id = registry.add('newer', JSON.stringify(newer));
    const bytes = framed(id, avroTypeOf(newer).toBuffer({ ...timer, continuing: 'x' }));
    expect(await codec.decode(bytes, ['TimerFired'])).toEqual({ ok: true, record: 'TimerFired', value: timer });
  });

  test('an older writer: what it lacks is null', async () => {
    const { codec, registry } = await prepared();
    const older = { ...schema, fields: schema.fields.filter(({ name }) => name !== 'taskId') };
    const id = registry.add('older', JSON.stringify(older));
    const { taskId: _, ...before } = timer;
    const bytes = framed(id, avroTypeOf(older).toBuffer(before));
    expect(await codec.decode(bytes, ['TimerFired'])).toEqual({ ok: true, record: 'TimerFired', value: timer });
  });

  test('one that does not go together is a wrong record', async () => {
    const { codec, registry } = await prepared();
    const other = { ...schema, fields: schema.fields.map((field) => (field.name === 'kind' ? { ...field, type: 'long' } : field)) };
    const id = registry.add('other', JSON.stringify(other));
    const bytes = framed(id, avroTypeOf(other).toBuffer({ ...timer, kind: 1 }));
    expect(await codec.decode(bytes, ['TimerFired'])).toMatchObject({ ok: false, error: 'wrongRecord' });
  });
});

describe('what is wrong with bytes is a value', () => {
  test.each([
    ['empty', Buffer.alloc(0)],
    ['too short', Buffer.from([0, 0, 0, 1])],
    ['JSON', Buffer.from('{"a":1}')],
  ])('not framed: %s', async (_, bytes) => {
    const { codec } = await prepared();
    expect(await codec.decode(bytes, ['TimerFired'])).toMatchObject({ ok: false, error: 'notFramed' });
  });

  test('another record', async () => {
    const { codec } = await prepared();
    const decoded = await codec.decode(codec.encode('TimerFired', topic, timer), ['TaskOutcome', 'CommandIssued']);
    expect(decoded).toEqual({
      ok: false,
      error: 'wrongRecord',
      reason: `${fullNames.TimerFired}, where ${fullNames.TaskOutcome} or ${fullNames.CommandIssued} was expected`,
    });
    expect(decoded.ok || invalidMessageOf(decoded).code).toBe('MR_SCHEMA_MISMATCH');
  });

  test('no bytes at all are read beyond their end, whatever they claim', async () => {
    const { codec } = await prepared();
    const bytes = codec.encode('TimerFired', topic, timer);
    const found = new Set<string>();
    for (let end = frameBytes; end < bytes.length; end++) {
      const decoded = await codec.decode(bytes.subarray(0, end), ['TimerFired']);
      found.add(decoded.ok ? 'ok' : decoded.error);
    }
    expect([...found]).toEqual(['malformed']);
    expect(await codec.decode(Buffer.concat([bytes, Buffer.from([1])]), ['TimerFired'])).toMatchObject({ error: 'malformed' });
  });

  test('noise behind a valid frame never throws', async () => {
    const { codec } = await prepared();
    const id = 1 + recordNames.indexOf('DeadLetter');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (noise) => {
        await codec.decode(framed(id, Buffer.from(noise)), ['DeadLetter']);
      }),
    );
  });

  test('a schema that is no Avro', async () => {
    const { codec, registry } = await prepared();
    const json = registry.addWriter({ kind: 'unusable', reason: 'schema 9 is JSON, not Avro' });
    const broken = registry.add('broken', '{"type":"record","name":"x"}');
    expect(await codec.decode(framed(json, Buffer.alloc(1)), ['TimerFired'])).toMatchObject({ error: 'wrongRecord' });
    expect(await codec.decode(framed(broken, Buffer.alloc(1)), ['TimerFired'])).toMatchObject({ error: 'malformed' });
  });

  test('a long that a double would change', async () => {
    const { codec, registry } = await prepared();
    const id = registry.add('long', '"long"');
    // 2^53 + 1, and the largest long there is.
    const odd = Buffer.from([0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
    const largest = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    for (const bytes of [odd, largest])
      expect(await codec.decodeForeign(framed(id, bytes))).toMatchObject({ ok: false, error: 'unsafeNumber' });
    expect(await codec.decodeForeign(framed(id, Buffer.from([0x02])))).toEqual({ ok: true, value: 1, fullName: 'long' });
  });

  test('an array that claims more items than there are bytes', async () => {
    const { codec, registry } = await prepared();
    const id = registry.add('array', '{"type":"array","items":"null"}');
    // 2^40 items of no bytes each.
    const bytes = framed(id, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x40]));
    expect(await codec.decodeForeign(bytes)).toMatchObject({ ok: false, error: 'malformed' });
  });
});

describe('the registry', () => {
  test('that does not know an id is not asked again for 30 s', async () => {
    let now = 1;
    const { codec, registry } = await prepared({ now: () => now });
    const bytes = framed(4711, Buffer.alloc(3));
    expect(await codec.decode(bytes, ['TimerFired'])).toMatchObject({ error: 'unknownSchemaId' });
    now = 29_999;
    expect(codec.decode(bytes, ['TimerFired'])).toMatchObject({ error: 'unknownSchemaId' });
    expect(registry.calls.schemaById).toBe(1);
    now = 30_002;
    await codec.decode(bytes, ['TimerFired']);
    expect(registry.calls.schemaById).toBe(2);
  });

  test('is asked once for many records of the same schema', async () => {
    const { codec, registry } = await prepared();
    const bytes = codec.encode('TimerFired', topic, timer);
    await Promise.all(Array.from({ length: 20 }, () => codec.decode(bytes, ['TimerFired'])));
    expect(registry.calls.schemaById).toBe(1);
  });

  test('that is away is an error of the registry, not of the message, and is asked again', async () => {
    const { codec, registry } = await prepared();
    const bytes = codec.encode('TimerFired', topic, timer);
    registry.available = false;
    await expect(codec.decode(bytes, ['TimerFired'])).rejects.toMatchObject({ code: 'MR_REGISTRY_UNAVAILABLE', retryable: true });
    registry.available = true;
    expect(await codec.decode(bytes, ['TimerFired'])).toMatchObject({ ok: true });
  });

  test('without our schema is an error that names the command; nothing is registered in passing', async () => {
    const registry = new MemoryRegistry();
    const codec = createCodec({ registry });
    await expect(codec.prepare([{ topic, record: 'TimerFired' }])).rejects.toMatchObject({
      code: 'MR_SCHEMA_NOT_REGISTERED',
      retryable: false,
      message: expect.stringContaining('millrace schemas register'),
    });
    expect(() => codec.encode('TimerFired', topic, timer)).toThrow('Bug: the codec was not prepared');
    expect(registry.calls).toEqual({ schemaById: 0, idOf: 1, register: 0 });
  });
});
