/**
 * The decimal of Avro as a string, which keeps every digit, also the zeros at the end: `12.30`.
 * @param hex its bytes: two's complement, the highest first.
 */
export function decimalText(hex: string, scale: number): string {
  const unscaled = hex === '' ? 0n : BigInt.asIntN(hex.length * 4, BigInt(`0x${hex}`));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Of bytes as hex: the text of a UUID. */
export function uuidText(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Largest decimal: longer ones are no numbers in practice, and slow to print. */
export const decimalBytesMax = 256;

/** Digits that every number of so many bytes can have. */
export function digitsIn(bytes: number): number {
  return bytes === 0 ? 0 : String(2n ** BigInt(8 * bytes - 1) - 1n).length - 1;
}
