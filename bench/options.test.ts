import { describe, expect, test } from 'vitest';
import { readOptions, settingsOf, valuesOf } from './options.ts';

const read = (...args: readonly string[]) => readOptions(args, {});

describe('the command line', () => {
  test('measures P1, P2 and P3 three times when nothing is said', () => {
    expect(read()).toMatchObject({ loads: ['P1', 'P2', 'P3'], runs: 3, seconds: 15, continuation: 'off', flush: 'off', beside: [] });
    expect(read()).toMatchObject({ partitions: [8], json: null, floor: false, direct: false });
    expect(read('--direct', 'P4')).toMatchObject({ loads: ['P4'], direct: true });
  });

  test('takes names of loads in any case, each once and in their order', () => {
    expect(read('p3', 'P1', 'P3').loads).toEqual(['P3', 'P1']);
  });

  test('takes lists and settings', () => {
    const options = read('P1', '--partitions', '8,48', '--parked', '0,1000', '--ablate', 'A_B=1', '--ablate', 'C=x=y', '--env', 'D=');
    expect(options.partitions).toEqual([8, 48]);
    expect(options.parked).toEqual([0, 1_000]);
    expect(options.ablations).toEqual([
      { name: 'A_B', value: '1' },
      { name: 'C', value: 'x=y' },
    ]);
    expect(options.env).toEqual({ D: '' });
  });

  test('takes folders beside it from the arguments, else from the environment', () => {
    expect(readOptions([], { MILLRACE_BENCH_BESIDE: 'a:b' }).beside).toEqual(['a', 'b']);
    expect(readOptions(['--beside', 'c'], { MILLRACE_BENCH_BESIDE: 'a:b' }).beside).toEqual(['c']);
  });

  test('says of a switch what it stands for', () => {
    expect([valuesOf('off'), valuesOf('on'), valuesOf('both')]).toEqual([[false], [true], [false, true]]);
  });
});

test('there is a stack for each number of partitions, and one of the first number that flushes when both are asked for', () => {
  const of = (...args: readonly string[]) => settingsOf(read(...args)).map(({ partitions, isFlushed }) => `${partitions} ${isFlushed}`);
  expect(of()).toEqual(['8 false']);
  expect(of('--partitions', '8,48', '--flush', 'on')).toEqual(['8 true', '48 true']);
  expect(of('--partitions', '8,48', '--flush', 'both')).toEqual(['8 false', '48 false', '8 true']);
});

describe('the command line refuses', () => {
  test.each([
    [['P11'], 'There is no load "P11"'],
    [['--runs', '0'], 'It must be a number from 1 to 100.'],
    [['--runs', '1.5'], 'It must be a whole number.'],
    [['--seconds', 'ten'], 'It must be a number from 1 to 3600.'],
    [['--seconds', ''], 'It must be a number from 1 to 3600.'],
    [['--partitions', '8,'], 'It must be a number from 1 to 1000.'],
    [['--continuation', 'maybe'], 'Allowed choices are off, on, both.'],
    [['--flush', '1'], 'Allowed choices are off, on, both.'],
    [['--poll-interval', '2ms'], 'It must be a number from 1 to 60000.'],
    [['--scale', '0'], 'It must be a number from 0.001 to 10.'],
    [['--ablate', 'lower=1'], 'It must be NAME=VALUE.'],
    [['--env', 'NAME'], 'It must be NAME=VALUE.'],
    [['--only', 'P1'], "unknown option '--only'"],
    [['--json'], "option '--json <file>' argument missing"],
  ])('%j', (args, message) => {
    const said: string[] = [];
    const write = process.stderr.write;
    process.stderr.write = ((text: string) => said.push(text) > 0) as typeof process.stderr.write;
    try {
      expect(() => read(...args)).toThrow();
    } finally {
      process.stderr.write = write;
    }
    expect(said.join('')).toContain(message);
  });
});
