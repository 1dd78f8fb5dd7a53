/** The pattern of JSON Schema that strings of a decimal fit, and back: by it two decimals are compared. */

/** `scale`: digits behind the point. `precision`: of them and those before it together. */
export type Decimal = { readonly precision: number; readonly scale: number };

export function decimalPattern({ precision, scale }: Decimal): string {
  const more = precision - scale - 1;
  const whole = more < 0 ? '0' : more === 0 ? '[0-9]' : `(0|[1-9][0-9]{0,${more}})`;
  return `^-?${whole}${scale === 0 ? '' : `\\.[0-9]{${scale}}`}$`;
}

const PATTERN = /^\^-\?(?:(0)|(\[0-9\])|\(0\|\[1-9\]\[0-9\]\{0,(\d+)\}\))(?:\\\.\[0-9\]\{(\d+)\})?\$$/;

/** null: it is not the pattern of a decimal. */
export function decimalOf(pattern: string): Decimal | null {
  const [found, none, one, more, behind = '0'] = PATTERN.exec(pattern) ?? [];
  if (found === undefined) return null;
  const scale = Number(behind);
  const whole = none !== undefined ? 0 : one !== undefined ? 1 : Number(more) + 1;
  return { precision: whole + scale, scale };
}
