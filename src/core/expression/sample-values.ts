/** Values that stand for all of their type, where it is tried what an operator or a function takes. */

export type ValueType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object';

const samples: { readonly [type in ValueType]: readonly string[] } = {
  string: ['"a"'],
  integer: ['1'],
  // A number may be whole, and then stand where an integer is asked for.
  number: ['1.5', '1.0', '1'],
  boolean: ['true'],
  null: ['null'],
  array: ['[1]'],
  object: ['{"a": 1}'],
};
/** What a value may be of which nothing is known. */
const anything = [
  ...new Set(Object.values(samples).flat()),
  ...['1u', 'b"a"', 'timestamp("2026-01-31T09:00:00Z")', 'duration("1s")', '[1].first()'],
];

export const words: { readonly [type in ValueType]: string } = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
  array: 'an array',
  object: 'an object',
};

/** Sources of expressions. @param type null: not known. */
export function samplesOf(type: ValueType | null): readonly string[] {
  return type === null ? anything : samples[type];
}
