/** Schemas of definitions: what is refused at deploy, and how errors of values are told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluated, sampleScope } from '../expression/testing/evaluate.ts';
import type { Json, JsonObject } from '../json.ts';
import { type CompiledSchema, compileSchema, type SchemaError } from './index.ts';

function compiled(schema: Json): CompiledSchema {
  const result = compileSchema(schema);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

function lines(errors: readonly SchemaError[]): readonly string[] {
  return errors.map(({ pointer, message }) => `${pointer} ${message}`);
}

const errorsOf = (schema: Json, value: Json): readonly string[] => lines(compiled(schema).validate(value));
const refusalsOf = (schema: Json): readonly string[] => {
  const result = compileSchema(schema);
  return result.ok ? [] : lines(result.error);
};

/** A literal of it would be taken for a promise by linters. */
const thenOnly = (schema: Json): JsonObject => Object.fromEntries([['then', schema]]);

describe('A schema is refused', () => {
  it.each<[Json, string]>([
    [3, ' This must be an object or true or false.'],
    [{ type: 'objekt' }, '/type This must be one of "array", "boolean", "integer", "null", "number", "object", "string".'],
    [{ properties: { a: { type: 'text' } } }, '/properties/a/type This must be one of'],
    [{ minimum: 'x' }, '/minimum This must be a number.'],
    [{ required: 'a' }, '/required This must be an array.'],
    [{ properties: { 'a/b': 1 } }, '/properties/a~1b This must be an object or true or false.'],
    [{ allOf: [] }, '/allOf This array must have at least 1 item.'],
    [{ properties: { a: { patern: 'x' } } }, '/properties/a/patern The keyword "patern" is not known here.'],
    [{ items: [{}] }, '/items This must be an object or true or false.'],
    [{ $ref: 'https://example.com/x' }, '/$ref A reference must stay within the schema: it begins with "#".'],
    [{ $ref: '#/$defs/nowhere' }, '/$ref The reference "#/$defs/nowhere" does not lead to a schema in this document: use a JSON pointer'],
    [{ $ref: '#/__proto__' }, '/$ref The reference "#/__proto__" does not lead to a schema'],
    [{ $ref: '#/constructor' }, '/$ref The reference "#/constructor" does not lead to a schema'],
    [{ $ref: '#/$defs/toString', $defs: {} }, '/$ref The reference "#/$defs/toString" does not lead to a schema'],
    [{ $ref: '#/$defs', $defs: { a: true } }, '/$ref The reference "#/$defs" does not lead to a schema'],
    [{ $ref: '#/const', const: {} }, '/$ref The reference "#/const" does not lead to a schema'],
    [{ $ref: '#name' }, '/$ref The reference "#name" does not lead to a schema'],
    [{ $ref: '#/%' }, '/$ref The reference "#/%" does not lead to a schema'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '/$schema Schemas are read by draft 2020-12 only.'],
    [{ properties: { a: { $id: 'b' } } }, '/properties/a/$id The keyword "$id" is not known here.'],
    [{ $dynamicRef: '#a' }, '/$dynamicRef The keyword "$dynamicRef" is not known here.'],
    [{ pattern: '(?=a)' }, '/pattern The pattern is not a regular expression of RE2'],
    [{ pattern: '[' }, '/pattern The pattern is not a regular expression of RE2'],
    [{ pattern: 'a{1000}'.repeat(20) }, '/pattern The pattern is not a regular expression of RE2'],
    [{ patternProperties: { '(a)\\1': true } }, '/patternProperties/(a)\\1 The pattern is not a regular expression of RE2'],
    [{ format: 'emial' }, '/format There is no format "emial".'],
    [thenOnly({}), '/then "then" has no effect without "if" beside it.'],
    [{ if: true }, '/if "if" has no effect without "then" or "else" beside it.'],
    [{ minContains: 1 }, '/minContains "minContains" has no effect without "contains" beside it.'],
    [{ description: 'x'.repeat(200_000) }, ' The schema has more than 131072 characters.'],
  ])('%j', (schema, expected) => {
    const refusals = refusalsOf(schema);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain(expected);
  });

  it('with all its errors, one for each place', () => {
    expect(
      refusalsOf({ type: 'x', properties: { a: { minimum: '1' } }, foo: 1 })
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(['/foo', '/properties/a/minimum', '/type']);
  });

  it('with references that lead nowhere beside everything else', () => {
    const schema = {
      type: 'objekt',
      properties: { a: { $ref: '#/$defs/none' }, b: { format: 'emial' }, c: { pattern: '[' }, d: { $ref: 'other.json' } },
      else: true,
    };
    expect(
      refusalsOf(schema)
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(['/else', '/properties/a/$ref', '/properties/b/format', '/properties/c/pattern', '/properties/d/$ref', '/type']);
  });

  it('not for references to any schema in it', () => {
    const $defs = { 'a/b': { type: 'string' }, 'c d%': { type: 'string' }, constructor: { type: 'string' } };
    for (const target of ['#', '#/$defs/a~1b', '#/$defs/c%20d%25', '#/$defs/constructor', '#/prefixItems/0', '#/properties/p/not'])
      expect(refusalsOf({ $defs, prefixItems: [true], properties: { p: { not: {} } }, contains: { $ref: target } })).toEqual([]);
    expect(errorsOf({ $defs, items: { $ref: '#/$defs/c%20d%25' } }, [1])).toEqual(['/0 This must be a string.']);
    expect(errorsOf({ $defs, items: { $ref: '#/$defs/constructor' } }, [1])).toEqual(['/0 This must be a string.']);
  });

  it('not for a property that a pattern names too', () => {
    expect(errorsOf({ properties: { ab: { minimum: 1 } }, patternProperties: { '^a': { maximum: 2 } } }, { ab: 3 })).toEqual([
      '/ab This must be at most 2.',
    ]);
  });

  it('when it is nested without end', () => {
    let schema: Json = true;
    for (let level = 0; level < 10_000; level++) schema = { not: schema };
    expect(refusalsOf(schema)).toEqual([' The schema is nested deeper than 64 levels.']);
  });

  it('when it holds thousands of schemas', () => {
    const properties = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`p${index}`, {}]));
    expect(refusalsOf({ properties })[0]).toContain('more than 2000 schemas');
  });

  it('when it holds hundreds, or its patterns are large together, and it is new', () => {
    const limits = { schemas: 300, names: 1_000, dependents: 100, keywords: 1_500, patternSize: 10_000 };
    const refused = (schema: Json): readonly string[] => {
      const compiled = compileSchema(schema, limits);
      return compiled.ok ? [] : compiled.error.map(({ pointer, message }) => `${pointer} ${message}`);
    };
    const of = (count: number, schemaOf: (n: number) => Json) =>
      refused({ properties: Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, schemaOf(n)])) });
    expect(of(299, () => ({}))).toEqual([]);
    expect(of(300, () => ({}))).toEqual(['/properties/p299 The schema holds more than 300 schemas.']);
    const required = (count: number): Json => Array.from({ length: count }, (_, n) => `r${n}`);
    expect(of(2, () => ({ required: required(500) }))).toEqual([]);
    expect(of(3, () => ({ required: required(400) }))).toEqual(['/properties/p2 The schema asks for more than 1000 properties by name.']);
    expect(of(1, () => ({ dependentRequired: { a: required(100) } }))).toEqual([]);
    expect(of(1, () => ({ dependentRequired: { a: required(101) } }))).toEqual([
      '/properties/p0/dependentRequired/a At most 100 properties may be asked for by one: name fewer.',
    ]);
    expect(of(299, () => ({ title: 'T', type: 'string', minLength: 1, maxLength: 2, format: 'date', pattern: '^a$' }))).toEqual([]);
    expect(of(299, () => ({ type: 'string', minLength: 1, maxLength: 2, format: 'date', pattern: '^a$', enum: ['a'] }))).toEqual([
      '/properties/p249 The schema has more than 1500 keywords: split it, or check less.',
    ]);
    expect(of(10, (n) => ({ pattern: `a{900}${n}` }))).toEqual([]);
    expect(of(15, (n) => ({ pattern: `a{900}${n}` }))).toEqual([
      expect.stringMatching(/^\/properties\/p\d+\/pattern The patterns of the schema are too large together: use fewer, or shorter ones.$/),
    ]);
  });

  it('never by throwing, whatever it is', () => {
    const keyword = fc.constantFrom(
      'type',
      'properties',
      'items',
      'required',
      '$ref',
      'enum',
      'pattern',
      'if',
      '__proto__',
      'anyOf',
      'format',
    );
    const schema = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('object', '#', 'x', 1, true, null),
        fc.dictionary(keyword, tie('value'), { maxKeys: 3 }),
        fc.array(tie('value'), { maxLength: 2 }),
      ),
    })).value;
    fc.assert(
      fc.property(schema, fc.jsonValue(), (document, value) => {
        const result = compileSchema(document as Json);
        if (result.ok) result.value.validate(value as Json);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});

describe('A value is refused', () => {
  it.each<[Json, Json, readonly string[]]>([
    [{ type: 'string' }, 1, [' This must be a string.']],
    [{ type: ['integer', 'null'] }, 1.5, [' This must be an integer or null.']],
    [{ properties: { a: { type: 'number' } } }, { a: 'x' }, ['/a This must be a number.']],
    [{ required: ['a', 'b'] }, { b: 1 }, [' The property "a" is missing.']],
    [{ required: ['constructor'] }, {}, [' The property "constructor" is missing.']],
    [{ properties: { a: true }, additionalProperties: false }, { 'x/y': 1 }, ['/x~1y The property "x/y" is not known here.']],
    [{ properties: { a: true }, unevaluatedProperties: false }, { b: 1 }, ['/b The property "b" is not known here.']],
    [{ enum: ['red', 2, null] }, 'blue', [' This must be one of "red", 2, null.']],
    [{ const: { a: 1 } }, { a: 2 }, [' This must be {"a":1}.']],
    [{ minimum: 3, maximum: 2 }, 2.5, [' This must be at most 2.', ' This must be at least 3.']],
    [{ exclusiveMinimum: 3 }, 3, [' This must be more than 3.']],
    [{ exclusiveMaximum: 3 }, 3, [' This must be less than 3.']],
    [{ multipleOf: 5 }, 7, [' This must be a multiple of 5.']],
    [{ minLength: 2 }, 'a', [' This string must have at least 2 characters.']],
    [{ maxLength: 1 }, 'ab', [' This string must have at most 1 character.']],
    [{ pattern: '^a+$' }, 'b', [' This string must match the pattern "^a+$".']],
    [{ format: 'date-time' }, 'yesterday', [' This string must have the format "date-time".']],
    [{ format: 'duration' }, '2d', [' This string must have the format "duration": ISO 8601, such as "P2D" or "PT5M".']],
    [{ format: 'email' }, `a@${'b'.repeat(3_000)}.c`, [' This string must have the format "email".']],
    [{ items: { type: 'string' } }, ['a', 1, 2], ['/1 This must be a string.', '/2 This must be a string.']],
    [{ minItems: 2 }, [1], [' This array must have at least 2 items.']],
    [{ maxItems: 0 }, [1], [' This array must have at most 0 items.']],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [' This array has the same item twice.'],
    ],
    [{ prefixItems: [true], items: false }, [1, 2], [' This array must have at most 1 item.']],
    [
      { contains: { type: 'string' } },
      [1],
      ['/0 This must be a string.', ' This array must hold at least 1 item of the shape that is asked for.'],
    ],
    [{ minProperties: 1 }, {}, [' This must have at least 1 property.']],
    [{ maxProperties: 1 }, { a: 1, b: 2 }, [' This must have at most 1 property.']],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, [' The property "b" is missing: "a" asks for it.']],
    [{ propertyNames: { pattern: '^a' } }, { b: 1 }, [' The name of the property "b" is not allowed.']],
    [{ if: { type: 'string' }, ...thenOnly({ minLength: 2 }) }, 'a', [' This string must have at least 2 characters.']],
    [{ not: { type: 'string' } }, 'a', [' This has the shape that is not allowed here.']],
    [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, 1, [' This fits several of the shapes here, of which only one is allowed.']],
    [false, 1, [' Nothing is allowed here.']],
    [
      { anyOf: [{ type: 'string' }, { type: 'number', minimum: 3 }] },
      1,
      [' This must be a string.', ' This must be at least 3.', ' This fits none of the shapes that are allowed here.'],
    ],
  ])('by %j: %j', (schema, value, expected) => {
    expect(errorsOf(schema, value)).toEqual(expected);
  });

  it('in a string of a line, whatever the value is', () => {
    const long = 'x'.repeat(10_000);
    const schema = { additionalProperties: false, propertyNames: { maxLength: 3 }, enum: [Array.from({ length: 200 }, () => 'many')] };
    for (const line of compiled(schema).validate({ [long]: long })) expect(line.message.length).toBeLessThan(300);
  });

  it.each([0.07, 4.35, 19.99, 1.1, 0.3, 1e15, -0.01])('not for %d, which is a multiple of 0.01', (value) => {
    expect(errorsOf({ multipleOf: 0.01 }, value)).toEqual([]);
  });

  it.each([
    ...['2024-01-15T14:30:00+0530', '2024-01-15T14:30:00+05', '2024-01-15 14:30:00Z', '2024-01-15T14:30:00', '2024-02-30T14:30:00Z'],
    ...['2024-01-15T14:30Z', '2024-01-15T14:30:60Z', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'],
  ])('for %s, which is no time that the engine reads', (value) => {
    expect(errorsOf({ format: 'date-time' }, value)).toEqual([' This string must have the format "date-time".']);
    expect(errorsOf({ format: 'iso-date-time' }, value)).toHaveLength(1);
  });

  it.each(['2024-01-15T14:30:00Z', '2024-01-15T14:30:00.123456+05:30', '2024-01-15t14:30:00z'])('not for %s, which is a time', (value) => {
    expect(errorsOf({ format: 'date-time' }, value)).toEqual([]);
    // What passes can be read by whoever computes with it.
    const scope = { ...sampleScope, input: { at: value } };
    expect(evaluated('timestamp(input.at).getMinutes()', scope)).toBe(value.includes('+') ? 0 : 30);
    expect(evaluated("time.format(input.at, 'ss')", scope)).toBe('00');
  });

  it.each(['P1Y', 'P2M', '30s', 'PT', 'P1DT', 'P40000D'])('for %s, which is no duration that the engine reads', (value) => {
    expect(errorsOf({ format: 'duration' }, value)).toEqual([
      ' This string must have the format "duration": ISO 8601, such as "P2D" or "PT5M".',
    ]);
  });

  it.each(['PT5M', 'P2D', 'P1W', 'P1DT12H', 'PT0.5S'])('not for %s, which is a duration', (value) => {
    expect(errorsOf({ format: 'duration' }, value)).toEqual([]);
  });

  it('with a hundred errors at most', () => {
    expect(compiled({ items: { type: 'string' } }).validate(Array.from({ length: 1_000 }, () => 1))).toHaveLength(100);
  });
});

describe('A value is taken', () => {
  it.each<[Json, Json]>([
    [true, { any: 'thing' }],
    [{}, null],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'https://example.com/order', type: 'object' }, {}],
    [{ type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } }, { children: [{ children: [] }] }],
    [{ $ref: '#/$defs/a', $defs: { a: { type: 'number' } } }, 1],
    [{ enum: [{ a: [1] }] }, { a: [1] }],
    [{ pattern: '^\\d{3}\\/[a-z]+$' }, '123/abc'],
    [{ format: 'date-time' }, '2026-01-31T09:00:00+01:00'],
    [{ format: 'uri' }, 'https://example.com/a?b=c'],
    [{ format: 'uuid' }, '01890000-0000-7000-8000-000000000001'],
    [{ properties: { a: { default: 1 } }, title: 'T', description: 'D', examples: [1] }, {}],
    [{ type: ['string', 'number'] }, 1],
  ])('by %j: %j', (schema, value) => {
    expect(errorsOf(schema, value)).toEqual([]);
  });

  it('as it is: nothing is filled in, made something else or removed', () => {
    const schema = { type: 'object', properties: { a: { type: 'number', default: 5 }, b: { type: 'string' } }, additionalProperties: true };
    const value = { b: 'x', c: 1 };
    expect(errorsOf(schema, value)).toEqual([]);
    expect(value).toEqual({ b: 'x', c: 1 });
    expect(errorsOf(schema, { a: '1' })).toEqual(['/a This must be a number.']);
    expect(errorsOf({ type: 'boolean' }, 'true')).toEqual([' This must be true or false.']);
  });

  it('even when its keys mean something elsewhere', () => {
    const value = JSON.parse('{"__proto__": 1, "constructor": 2}') as Json;
    expect(errorsOf({ type: 'object', additionalProperties: { type: 'number' } }, value)).toEqual([]);
    expect(errorsOf({ properties: {}, additionalProperties: false }, value)).toEqual([
      '/__proto__ The property "__proto__" is not known here.',
      '/constructor The property "constructor" is not known here.',
    ]);
  });
});

describe('The work is bounded', { timeout: 60_000 }, () => {
  const GIVEN_UP = ' Checking the value takes more work than is allowed: send less data, or make the schema simpler.';

  it('where a schema branches at each level of the value', () => {
    const either = { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] };
    const schema = {
      $ref: '#/$defs/a',
      $defs: { a: { properties: { x: either }, required: ['y'], allOf: [{ properties: { x: either } }] } },
    };
    let value: Json = {};
    for (let level = 0; level < 60; level++) value = { x: value };
    expect(errorsOf(schema, value).length).toBeGreaterThan(0);
    expect(errorsOf({ ...schema, $defs: { a: { properties: { x: { oneOf: either.anyOf } } } } }, value)).toEqual([GIVEN_UP]);
  });

  it('where it refers to itself without end', () => {
    expect(errorsOf({ $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }, 1)).toEqual([GIVEN_UP]);
  });

  it('where the value is nested without end', () => {
    let value: Json = [];
    for (let level = 0; level < 100_000; level++) value = [value];
    expect(errorsOf({ $defs: { l: { type: 'array', items: { $ref: '#/$defs/l' } } }, $ref: '#/$defs/l' }, value)).toEqual([GIVEN_UP]);
  });

  it('where each item is compared with each', () => {
    const items = Array.from({ length: 50_000 }, (_, index) => ({ index }));
    expect(errorsOf({ uniqueItems: true }, items)).toEqual([]);
    expect(errorsOf({ items: { enum: items.slice(0, 2_000) } }, items.slice(0, 2_000))).toEqual([]);
  });

  it('where many schemas go through all members, items or characters of one value', () => {
    const all = (schema: Json): Json => ({ allOf: Array.from({ length: 290 }, () => schema) });
    const members = Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`p${index}`, 'a']));
    for (const schema of [{ additionalProperties: false }, { maxProperties: 50_000 }, { propertyNames: { maxLength: 9 } }])
      expect(errorsOf({ anyOf: Array.from({ length: 290 }, () => ({ ...schema, required: ['none'] })) }, members)).toEqual([GIVEN_UP]);
    expect(errorsOf({ maxProperties: 50_000, propertyNames: { maxLength: 9 }, additionalProperties: true }, members)).toEqual([]);
    expect(errorsOf(all({ maxLength: 600_000 }), 'a'.repeat(500_000))).toEqual([GIVEN_UP]);
    expect(errorsOf({ maxLength: 600_000 }, 'a'.repeat(500_000))).toEqual([]);
    expect(
      errorsOf(
        all({ items: true }),
        Array.from({ length: 100_000 }, () => 1),
      ),
    ).toEqual([GIVEN_UP]);
    expect(
      errorsOf(
        all({ items: { format: 'uri' } }),
        Array.from({ length: 250 }, () => `a:${'b'.repeat(2_000)}`),
      ),
    ).toEqual([GIVEN_UP]);
  });

  it('where a large object is compared with hundreds of constants', () => {
    const value = Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`p${index}`, 'abc']));
    const constants = Array.from({ length: 250 }, (_, n) => ({ const: { a: n, b: [n] } }));
    expect(errorsOf({ anyOf: constants }, value).length).toBeGreaterThan(0);
    expect(errorsOf({ anyOf: [...constants, { const: value }] }, value)).toEqual([]);
  });

  it('where a pattern meets a long text', () => {
    const text = 'a'.repeat(200_000);
    expect(errorsOf({ pattern: '^(a+)+$' }, text)).toEqual([]);
    expect(errorsOf({ items: { pattern: '(a?){200}b' } }, [text, text, text])).toEqual([GIVEN_UP]);
  });
});

it('A wrong value is checked in parts, of which the first tells that it is wrong; a right one is checked at once', () => {
  const compiled = compileSchema({ properties: { a: { type: 'string' }, b: { type: 'number' } } });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const { validate, validateInParts } = compiled.value;
  const partsOf = (value: Json): number => {
    const work = validateInParts(value);
    let parts = 1;
    let next = work.next();
    for (; next.done !== true; next = work.next()) parts++;
    expect(next.value).toEqual(validate(value));
    return parts;
  };
  expect(partsOf({ a: 'a', b: 1 })).toBe(1);
  expect(partsOf({ a: 1, b: 'b' })).toBe(3);
});
