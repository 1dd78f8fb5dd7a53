/** How the tutorial is read and compared, before it is run by test/e2e/tutorial.test.ts. */
import { expect, test } from 'vitest';
import { readFiles } from '../support/files.ts';
import { missingLines, readTutorial } from '../support/tutorial.ts';

test('the README has a tutorial whose steps show what they print', () => {
  const steps = readTutorial(readFiles('README.md')[0]?.text ?? '');
  expect(steps.length).toBeGreaterThan(4);
  for (const { commands, shown } of steps) {
    expect(commands).toContain('millrace');
    expect(shown, commands).not.toEqual([]);
  }
});

test('a shown line matches whatever its ids, times and columns are', () => {
  const shown = ['019ab8a3-6a5e-7c7e-8f39-4c1c1a0f6a11  completed', '…', '  started  2026-11-25 22:41:07 UTC', '… instances.'];
  const output = 'noise\n019b0000-0000-7000-8000-000000000001   completed\n  started       2027-01-01 00:00:00 UTC\n12 instances.\n';
  expect(missingLines(shown, output)).toEqual([]);
});

test('a line that is not there, or comes too early, is found', () => {
  expect(missingLines(['one', 'two'], 'two\none\n')).toEqual(['two']);
  expect(missingLines(['paid: true'], 'paid: false')).toEqual(['paid: true']);
});
