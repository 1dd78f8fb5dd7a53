/** Logical types: which there are, on what types they stand, and what must stand beside them. Any other is ignored, as Avro wants it. */
import type { JsonObject } from '../json.ts';
import { own } from '../record.ts';
import { decimalBytesMax, digitsIn } from './decimal-text.ts';
import type { Logical } from './types.ts';

const INT_MAX = 2 ** 31 - 1;
const DAY_MS = 86_400_000;

export const intRange = { min: -(2 ** 31), max: INT_MAX } as const;
/** JSON holds no others: the one rule for numbers. */
export const longRange = { min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER } as const;

const TIMES: { readonly [name: string]: { readonly on: 'int' | 'long'; readonly min: number; readonly max: number } } = {
  date: { on: 'int', ...intRange },
  'time-millis': { on: 'int', min: 0, max: DAY_MS - 1 },
  'time-micros': { on: 'long', min: 0, max: DAY_MS * 1_000 - 1 },
  'timestamp-millis': { on: 'long', ...longRange },
  'timestamp-micros': { on: 'long', ...longRange },
  'local-timestamp-millis': { on: 'long', ...longRange },
  'local-timestamp-micros': { on: 'long', ...longRange },
};
const NANOS = ['timestamp-nanos', 'local-timestamp-nanos'];

export type Refuse = (member: string, message: string) => void;

/**
 * @param on the type under it.
 * @param size of a `fixed`, in bytes; null for others.
 */
export function readLogical(schema: JsonObject, on: string, size: number | null, refuse: Refuse): Logical | null {
  const name = own(schema, 'logicalType');
  if (name === undefined) return null;
  if (typeof name !== 'string') {
    refuse('logicalType', '"logicalType" must be a string.');
    return null;
  }
  if (NANOS.includes(name)) {
    refuse('logicalType', `JSON cannot hold the numbers of "${name}" exactly: use "${name.replace('nanos', 'micros')}".`);
    return null;
  }
  const time = Object.hasOwn(TIMES, name) ? TIMES[name] : undefined;
  if (time !== undefined) {
    if (on === time.on) return { kind: 'time', min: time.min, max: time.max };
    refuse('logicalType', `"${name}" stands on the type "${time.on}" only.`);
    return null;
  }
  if (name === 'decimal') return decimal(schema, on, size, refuse);
  if (name === 'uuid') {
    if (on === 'string' || size === 16) return { kind: 'uuid' };
    refuse('logicalType', '"uuid" stands on the type "string", or on a fixed of 16 bytes.');
  }
  if (name === 'duration' && size !== 12) refuse('logicalType', '"duration" stands on a fixed of 12 bytes only.');
  return null;
}

function decimal(schema: JsonObject, on: string, size: number | null, refuse: Refuse): Logical | null {
  if (on !== 'bytes' && size === null) {
    refuse('logicalType', '"decimal" stands on the type "bytes" or on a fixed only.');
    return null;
  }
  const [precision, scale] = [own(schema, 'precision'), own(schema, 'scale') ?? 0];
  const max = digitsIn(Math.min(size ?? decimalBytesMax, decimalBytesMax));
  if (typeof precision !== 'number' || !Number.isInteger(precision) || precision < 1) {
    const missing = precision === undefined ? 'A decimal needs' : 'This must be';
    refuse(precision === undefined ? '' : 'precision', `${missing} a "precision": how many digits it has, an integer of at least 1.`);
    return null;
  }
  if (precision > max) {
    const where = size === null ? `A decimal has at most ${max} digits` : `A fixed of ${size} bytes holds at most ${max} digits`;
    refuse('precision', `${where}, but the precision is ${precision}.`);
    return null;
  }
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0 || scale > precision) {
    refuse('scale', `The scale must be an integer from 0 to the precision, which is ${precision}.`);
    return null;
  }
  return { kind: 'decimal', precision, scale };
}
