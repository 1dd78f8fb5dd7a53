/** Our settings of ajv: strict about schemas, never changing values, and no keyword whose work is more than linear. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats, { type FormatName } from 'ajv-formats';
import { isMultipleOf } from '../decimal.ts';
import { isDateTime, parseDuration } from '../duration.ts';
import { canonicalJson, type Json } from '../json.ts';
import { sizesOfLarge, spend } from './fuel.ts';
import { compilePattern } from './pattern.ts';
import { type Charge, FUEL_KEYWORD } from './walk.ts';

const FORMATS: readonly FormatName[] = [
  'date',
  'time',
  'date-time',
  'iso-time',
  'iso-date-time',
  'duration',
  'uri',
  'uri-reference',
  'uri-template',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
  'json-pointer',
  'json-pointer-uri-fragment',
  'relative-json-pointer',
  'byte',
  'int32',
  'int64',
  'float',
  'double',
  'password',
  'binary',
];
export const formatNames: ReadonlySet<string> = new Set([...FORMATS, 'regex', 'base64']);

/** Longest string whose format is checked: the library's patterns for formats are not all linear. */
const FORMATTED_LENGTH_MAX = 2_048;
const UNLIMITED = new Set(['byte', 'password', 'binary']);

/** A new instance for each schema, since ajv never frees what it has compiled. */
export function createAjv(options: { readonly allErrors: boolean }): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: options.allErrors,
    verbose: true,
    strictSchema: true,
    strictNumbers: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    allowMatchingProperties: true,
    // Keys like `constructor` are properties only where the value has them itself.
    ownProperties: true,
    inlineRefs: false,
    // Schemas were checked before, by meta.ts and walk.ts.
    meta: false,
    validateSchema: false,
    logger: false,
    // The optimizer of ajv takes time that grows with the square of the schema.
    code: { regExp: Object.assign(patternOf, { code: 're2' }), optimize: false },
  });
  addFormats(ajv);
  addKeywords(ajv);
  return ajv;
}

function patternOf(pattern: string): { test(text: string): boolean } {
  const compiled = compilePattern(pattern);
  if (compiled === null) throw new Error('Bug: a pattern was not checked before it was compiled');
  return compiled;
}

function addFormats(ajv: Ajv2020): void {
  for (const name of FORMATS) {
    const format = formats.default.get(name);
    ajv.addFormat(name, UNLIMITED.has(name) ? format : limited(format));
  }
  // `wait` and expressions must be able to read every valid value. The library also accepts a blank in place of the T, and `+0530`.
  for (const name of ['date-time', 'iso-date-time']) ajv.addFormat(name, limited(isDateTime));
  // Only ISO 8601, without years and months: they have no length that a timer could wait for.
  ajv.addFormat(
    'duration',
    limited((text: string) => text.startsWith('P') && parseDuration(text) !== undefined),
  );
  // The library's `byte` looks at one line of several.
  ajv.addFormat('base64', isBase64);
  ajv.addFormat('regex', (text: string) => text.length <= FORMATTED_LENGTH_MAX && compilePattern(text) !== null);
}

/** With padding, and as every encoder writes it: the bits that say nothing are zero. */
function isBase64(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false;
  const end = text.slice(-4);
  return !end.endsWith('=') || /^([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)$/.test(end);
}

type Format = Parameters<Ajv2020['addFormat']>[1];

function limited(format: Format): Format {
  if (format instanceof RegExp) return (text: string) => text.length <= FORMATTED_LENGTH_MAX && format.test(text);
  if (typeof format === 'function') return (text: string) => text.length <= FORMATTED_LENGTH_MAX && format(text);
  if (typeof format !== 'object' || format.type === 'number' || format.async === true) return format;
  const { validate } = format;
  return limited(typeof validate === 'string' ? new RegExp(validate) : (validate as Format));
}

/** The library's own `uniqueItems` and `enum` compare every pair of items. */
function addKeywords(ajv: Ajv2020): void {
  ajv.addKeyword({
    keyword: FUEL_KEYWORD,
    errors: false,
    validate: ({ units, perMember, perItem, perCharacter }: Charge, value: Json) => {
      spend(units);
      if (typeof value === 'string') spend(perCharacter * value.length);
      else if (Array.isArray(value)) spend(perItem * value.length);
      else if (perMember > 0) spend(perMember * sizeOf(value));
      return true;
    },
  });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isUnique: boolean, items: readonly Json[]) => {
      spend(items.length);
      return !isUnique || new Set(items.map(comparable)).size === items.length;
    },
  });
  // The library's own check computes with doubles, for which 19.99 is no multiple of 0.01.
  ajv.removeKeyword('multipleOf');
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    validate: (divisor: number, value: number) => {
      if (!Number.isInteger(value) || !Number.isInteger(divisor)) spend(2);
      return isMultipleOf(value, divisor);
    },
  });
  // The library's own `const` compares with each of a thousand alternatives as long as the value has members.
  for (const keyword of ['enum', 'const']) {
    ajv.removeKeyword(keyword);
    ajv.addKeyword({
      keyword,
      compile: (given: Json | readonly Json[]) => {
        const allowed = keyword === 'enum' ? (given as readonly Json[]) : [given as Json];
        const plain = new Set(allowed.filter(isPlain));
        const others = allowed.filter((each) => !isPlain(each));
        const texts = new Set(others.map(canonicalJson));
        const sizes = new Set(others.map((each) => (isPlain(each) ? 0 : Object.keys(each).length)));
        return (value: Json) => {
          if (isPlain(value)) {
            // A text that is asked for must be hashed first, each time.
            if (typeof value === 'string') spend(value.length / COMPARED_PER_UNIT / 8);
            return plain.has(value);
          }
          return sizes.has(Array.isArray(value) ? value.length : sizeOf(value)) && texts.has(comparable(value));
        };
      },
    });
  }
}

function isPlain(value: Json): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null;
}

/** Of a value that is compared: its characters. */
const COMPARED_PER_UNIT = 8;
/** Of objects: members that are counted. */
const COUNTED_PER_UNIT = 2;
const LARGE = 64;

/** Members of an object, which are counted once in a validation. */
function sizeOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  const known = sizesOfLarge().get(value);
  if (known !== undefined) return known;
  const size = Object.keys(value).length;
  spend(size / COUNTED_PER_UNIT);
  if (size >= LARGE) sizesOfLarge().set(value, size);
  return size;
}

/** Equal for equal values. Costs its length; that of one value too many is known afterwards. */
function comparable(value: Json): string {
  const text = canonicalJson(value);
  spend(text.length / COMPARED_PER_UNIT);
  return text;
}
