import { expect, test } from 'vitest';
import { barChart, stackedChart } from './svg.ts';

const widths = (svg: string): number[] =>
  [...svg.matchAll(/<rect x="[\d.]+" y="\d+" width="([\d.]+)" height="16"/g)].map(([, w]) => Number(w));

test('bars are as long as their values, from 0', () => {
  const svg = barChart('P1', 'instances/s', [
    { label: 'Millrace', value: 1_000, lowest: 900, highest: 2_000, isOurs: true },
    { label: 'another', value: 500, isOurs: false },
  ]);
  const [ours = 0, another = 0] = widths(svg);
  expect(ours).toBe(another * 2);
  // The longest run still fits beside its value.
  expect(svg).toContain('x2="670"');
  expect(svg.match(/<line/g)).toHaveLength(1);
});

test('names cannot break the picture', () => {
  const svg = barChart('a < b & "c"', '', [{ label: '<script>', value: 0, isOurs: false }]);
  expect(svg).toContain('aria-label="a &lt; b &amp; &quot;c&quot;"');
  expect(svg).not.toContain('<script>');
  expect(widths(svg)).toEqual([0]);
});

test('parts follow each other and keep their colour from bar to bar', () => {
  const svg = stackedChart('CPU', 's', [
    {
      label: 'P1',
      parts: [
        { name: 'api', value: 1 },
        { name: 'kafka', value: 3 },
      ],
    },
    { label: 'P2', parts: [{ name: 'kafka', value: 4 }] },
  ]);
  expect(widths(svg)).toEqual([105, 315, 420]);
  const colours = [...svg.matchAll(/fill="(#\w+)"><title>(\w+)/g)].map(([, colour, name]) => `${name} ${colour}`);
  expect(new Set(colours).size).toBe(2);
});
