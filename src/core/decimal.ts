/** Exact decimal numbers, by their written digits, for comparisons in which doubles would round. */

/** The significant digits without zeros at either end, and the power of ten of the last of them. Zero has no digits. */
type Decimal = { readonly digits: string; readonly exponent: number };

/** @param number as JSON writes it. The sign is left out. */
function decimalOf(number: string): Decimal {
  const [mantissa = '', power = '0'] = number.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let start = 0;
  let end = all.length;
  while (start < end && all[start] === '0') start++;
  while (end > start && all[end - 1] === '0') end--;
  if (start === end) return { digits: '', exponent: 0 };
  return { digits: all.slice(start, end), exponent: Number(power) - fraction.length + (all.length - end) };
}

/** Whether a double holds the number, as it is written, without rounding. `0.10` counts: its shortest double is `0.1`. */
export function isExactDouble(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return false;
  const given = decimalOf(number);
  if (given.digits === '') return true;
  if (given.exponent >= 0 && Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const kept = decimalOf(String(value));
  return given.digits === kept.digits && given.exponent === kept.exponent;
}

/** Whether `value` is a multiple of `divisor`, by their decimal digits: 19.99 is one of 0.01. @param divisor not 0 */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  if (!Number.isFinite(value)) return false;
  const [a, b] = [decimalOf(String(value)), ofDivisor(divisor)];
  const exponent = Math.min(a.exponent, b.exponent);
  const lengthMax = Math.max(a.digits.length + a.exponent, b.digits.length + b.exponent) - exponent;
  // Big integers take several times as long, and a value may have ten thousands of numbers.
  if (lengthMax <= DIGITS_EXACT) return plain(a, exponent) % plain(b, exponent) === 0;
  return scaled(a, exponent) % scaled(b, exponent) === 0n;
}

let last = { divisor: 1, decimal: decimalOf('1') };

/** Of ten thousands of values it is the same. */
function ofDivisor(divisor: number): Decimal {
  if (last.divisor !== divisor) last = { divisor, decimal: decimalOf(String(divisor)) };
  return last.decimal;
}

/** An integer of so many digits is exact as a double. */
const DIGITS_EXACT = 15;

function plain({ digits, exponent }: Decimal, to: number): number {
  return Number(digits) * 10 ** (exponent - to);
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return BigInt(digits) * 10n ** BigInt(exponent - to);
}
