import { describe, expect, it } from 'vitest';
import { parseInTurns } from '../store/parse-in-turns.ts';
import { Compilation, compiledInParts } from './compilation.ts';
import { createParsing, parseDefinition } from './definition/index.ts';
import type { Json } from './json.ts';

describe('A compilation', () => {
  it('does a part, and comes to the end by being begun again, each thing made once', () => {
    const made: number[] = [];
    const compilation = new Compilation();
    const work = () =>
      Array.from({ length: 5 }, (_, n) =>
        compiledInParts(
          n,
          () => 2_000,
          () => {
            made.push(n);
            return n * n;
          },
        ),
      );
    const parts = [compilation.go(work), compilation.go(work), compilation.go(work)];
    expect(parts).toEqual([null, null, { done: [0, 1, 4, 9, 16] }]);
    expect(made).toEqual([0, 1, 2, 3, 4]);
  });

  it('throws what its work throws', () => {
    const bad = () =>
      compiledInParts(
        'a',
        () => 1,
        () => {
          throw new Error('no');
        },
      );
    expect(() => new Compilation().go(bad)).toThrow('no');
  });

  it('is not needed', () => {
    const make = () =>
      compiledInParts(
        'a',
        () => 1_000_000,
        () => 1,
      );
    expect([make(), make()]).toEqual([1, 1]);
  });
});

const large = (output: (n: number) => Json): Json => ({
  id: 'large',
  input: { properties: Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`p${n}`, { type: 'string', minLength: 1 }])) },
  nodes: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`n${n}`, { type: 'transform', output: output(n) }])),
});

describe('A large definition', () => {
  const good = large((n) => [`\${ input.p${n} + ' and ${n} others, which makes the expression longer' }`]);
  const bad = large((n) => [`\${ input.p${n} + ' and ${n} others, which makes the expression longer' }`, '${ input. }', `\${ nope${n} }`]);

  it('is read in several parts, and is what it is when it is read at once', () => {
    const goOn = createParsing(good, { version: 1 });
    let parts = 1;
    let parsed = goOn();
    for (; parsed === null; parsed = goOn()) parts++;
    expect(parts).toBeGreaterThan(2);
    expect(parsed.ok && [...parsed.value.nodes.keys()]).toHaveLength(300);
  });

  it('has the same errors, in the same order', async () => {
    const inTurns = await parseInTurns(bad, { version: 1 });
    expect(inTurns.ok).toBe(false);
    expect(inTurns).toEqual(parseDefinition(bad, { version: 1 }));
  });

  it('lets others go on between its parts', async () => {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await parseInTurns(
      large((n) => `\${ input.p${n} + ' never seen before, for the cache of programs knows none of it' }`),
      { version: 1 },
    );
    isDone = true;
    expect(turns).toBeGreaterThan(1);
  });
});
