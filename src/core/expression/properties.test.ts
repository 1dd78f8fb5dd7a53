/** What holds for any expression, any template and any data. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { compileExpression, compileTemplate, ExpressionError, ROOTS } from './index.ts';
import { arbitraryJson } from './testing/arbitrary-json.ts';
import { evaluated, filled } from './testing/evaluate.ts';

const json = (): fc.Arbitrary<Json> => arbitraryJson(5);

/** Texts that are likelier than others to be expressions. */
const pieces = [
  'input',
  '.a',
  '.b',
  '[0]',
  "['a']",
  ' + ',
  ' == ',
  '1',
  '2.5',
  "'x'",
  '(',
  ')',
  '{',
  '}',
  '${',
  '$',
  ' in ',
  '.map(x, x)',
  'has(',
  '!',
  '-',
  ' ? ',
  ' : ',
  'size(',
];
const source = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 20 }),
  );
const template = (): fc.Arbitrary<Json> =>
  fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        source(),
        source().map((text) => `\${${text}}`),
        fc.integer(),
        fc.constant(null),
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), tie('value'), { maxKeys: 3 }),
    ),
  })).value;

/** Only ExpressionError may come out. */
function attempt(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
  }
}

it('compiling never throws, and evaluating throws nothing but its own error', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(source(), json(), (text, input) => {
      const compiled = compileExpression(text);
      if (compiled.ok) attempt(() => compiled.value.evaluate({ input }));
    }),
    { numRuns: 1_000 },
  );
});

it('compiling a template never throws on any JSON, and evaluating throws nothing but its own error', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(template(), json(), (value, input) => {
      const compiled = compileTemplate(value);
      if (compiled.ok) attempt(() => compiled.value.evaluate({ input }));
    }),
    { numRuns: 500 },
  );
});

it('evaluating never changes the data', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(source(), json(), (text, input) => {
      const before = JSON.stringify(input);
      const compiled = compileExpression(text);
      if (compiled.ok) attempt(() => compiled.value.evaluate({ input }));
      expect(JSON.stringify(input)).toBe(before);
    }),
    { numRuns: 500 },
  );
});

it('any JSON goes through an expression and comes back', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(json(), (input) => {
      expect(filled('${ input }', { input })).toStrictEqual(input);
      expect(evaluated('input == input', { input })).toBe(true);
      // Once more as a value that the expression makes itself.
      expect(evaluated('[input].map(x, x)', { input })).toStrictEqual([input]);
    }),
  );
});

it('any JSON without "${" is a template for itself', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(json(), (value) => {
      fc.pre(!JSON.stringify(value).includes('${'));
      expect(filled(value)).toStrictEqual(value);
    }),
  );
});

it('any text can be written literally', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('${', '}', ' x ')), { maxLength: 6 }), (parts) => {
      const text = parts.join('');
      // A "$" before "${" would be read as its escape: that one is written as an expression.
      fc.pre(!text.includes('$${'));
      expect(filled(text.replaceAll('${', () => '$${'))).toBe(text);
    }),
  );
});

it('objects interpolate as what JSON.parse reads again', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(json(), (input) => {
      fc.pre(typeof input !== 'string');
      expect(JSON.parse(filled(' ${ input }', { input }) as string)).toStrictEqual(input);
    }),
  );
});

it('every number of JSON compares with itself written as a literal', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), (double, whole) => {
      expect(evaluated(`input == double('${double}')`, { input: double })).toBe(true);
      expect(evaluated(`input == ${whole} && ${whole} == input && input <= ${whole} && !(input < ${whole})`, { input: whole })).toBe(true);
    }),
  );
});

it('references are always to a root', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(source(), (text) => {
      const compiled = compileExpression(text);
      for (const { root, offset } of compiled.ok ? compiled.value.references : []) {
        expect(ROOTS).toContain(root);
        expect(text.slice(offset)).toMatch(new RegExp(`^${root}`));
      }
    }),
    { numRuns: 500 },
  );
});
