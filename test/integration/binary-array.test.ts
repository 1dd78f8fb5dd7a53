/** Our binary arrays against what Postgres itself makes of the same values. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  boolArray,
  byteaArray,
  int4Array,
  int8Array,
  jsonArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '../../src/store/postgres/sql/binary-array.ts';
import { stackEnv } from '../support/env.ts';

let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({ connectionString: stackEnv().INSTANCE_DATABASE_URL ?? '' });
  await client.connect();
});
afterAll(async () => {
  await client.end();
});

/** Elements as text, in their order. */
async function read(type: string, array: Buffer, show = 'e::text'): Promise<readonly (string | null)[]> {
  const { rows } = await client.query<{ shown: string | null }>(
    `SELECT ${show} AS shown FROM unnest($1::${type}[]) WITH ORDINALITY AS u (e, n) ORDER BY n`,
    [array],
  );
  return rows.map(({ shown }) => shown);
}

/** Postgres holds no half of a pair; UTF-8 makes U+FFFD of it. */
const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());

/** Any items come back as `expected`. */
async function holds<T>(
  type: string,
  item: fc.Arbitrary<T>,
  encode: (items: readonly (T | null)[]) => Buffer,
  expected: (item: T) => string,
  show?: string,
) {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(item), { maxLength: 40 }), async (items) => {
      expect(await read(type, encode(items), show)).toEqual(items.map((each) => (each === null ? null : expected(each))));
    }),
    { numRuns: 60 },
  );
}

describe('binary arrays', () => {
  it('are empty when there is nothing', async () => {
    for (const [type, array] of [
      ['uuid', uuidArray([])],
      ['text', textArray([])],
      ['bytea', byteaArray([])],
      ['int8', int8Array([])],
    ] as const)
      expect(await read(type, array)).toEqual([]);
  });

  it('hold uuids', async () => {
    await holds('uuid', fc.uuid(), uuidArray, (item) => item);
  });

  it('hold integers up to their limits', async () => {
    await holds('int4', fc.integer(), int4Array, String);
    await holds('int8', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), int8Array, String);
  });

  it('hold true and false', async () => {
    await holds('bool', fc.boolean(), boolArray, String);
  });

  it('hold instants to the millisecond, before and after 2000', async () => {
    const instant = fc.integer({ min: -62_000_000_000_000, max: 250_000_000_000_000 });
    await holds('timestamptz', instant, timestamptzArray, String, 'floor(extract(epoch FROM e) * 1000)::bigint::text');
  });

  it('hold texts, with U+FFFD for U+0000', async () => {
    const bytes = `encode(convert_to(e, 'UTF8'), 'hex')`;
    await holds('text', text, textArray, (item) => Buffer.from(item.replaceAll('\0', '\ufffd')).toString('hex'), bytes);
  });

  it('hold JSON as it is written', async () => {
    await holds('json', fc.json(), jsonArray, (item) => item.toWellFormed());
  });

  it('hold bytes', async () => {
    await holds('bytea', fc.uint8Array({ maxLength: 300 }), byteaArray, (item) => Buffer.from(item).toString('hex'), `encode(e, 'hex')`);
  });
});
