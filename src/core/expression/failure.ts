/** Turns errors of the CEL library into sentences that quote names of the expression, and never data. */
import { type CelError, type CelValue, celError, celType } from '@bufbuild/cel';
import { charge, FAILURE_UNITS } from './evaluation.ts';
import { isOptional } from './functions/optional.ts';

/** Marks our own messages. Messages of the library may quote data, so they are never passed on. */
const OURS = '\u0001';

/** An error as a value, as CEL defines it: `true || error` is true. */
export function failure(id: number, message: string): CelError {
  charge(FAILURE_UNITS);
  return celError(OURS + message, id);
}

/** @param member that the part of the expression reads which failed. */
export function plainMessage({ message }: CelError, member: string | undefined): string {
  if (message.startsWith(OURS)) return message.slice(OURS.length);
  if (message.startsWith('field not found') && member !== undefined) return `There is no member \`${member}\``;
  for (const [start, sentence] of SENTENCES) if (message.startsWith(start)) return sentence;
  return 'The expression does not fit the data';
}

/** How messages of the library begin, and the sentence that a person reads instead. */
const SENTENCES: readonly (readonly [string, string])[] = [
  ['field not found', 'There is no member of this key'],
  ['index ', 'There is no element at this index'],
  ['unresolved attribute', 'Nothing here has this name'],
  ['unsupported key type', 'Only strings, integers and booleans can be keys'],
  ['map key conflict', 'A map has the same key twice'],
  ['type mismatch: iterable', 'Only arrays and objects can be iterated'],
  ['type mismatch: expected bool', '`&&` and `||` take only true and false'],
  ['found no matching overload for _?_:_', 'The value before `?` must be true or false'],
];

const TYPE_WORDS: ReadonlyMap<string, string> = new Map([
  ['int', 'number'],
  ['uint', 'number'],
  ['double', 'number'],
  ['bool', 'boolean'],
  ['list', 'array'],
  ['null_type', 'null'],
  ['map', 'object'],
  ['google.protobuf.Timestamp', 'timestamp'],
  ['google.protobuf.Duration', 'duration'],
]);

export function typeWord(value: CelValue): string {
  if (isOptional(value)) return 'optional value';
  const { name } = celType(value);
  return TYPE_WORDS.get(name) ?? name;
}

/** `_>_` is how CEL calls `>`. */
export function shownFunction(name: string): string {
  return `\`${name.replaceAll('_', '').replace('@', '') || name}\``;
}

export function notApplicable(id: number, name: string, values: readonly CelValue[]): CelError {
  return failure(id, `${shownFunction(name)} cannot be applied to ${values.map(typeWord).join(' and ') || 'nothing'}`);
}
