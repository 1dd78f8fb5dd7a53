/** Charts as SVG: bars with their spread, and bars made of parts. Small enough to be ours; no script, one font, readable in print. */

export type Bar = {
  readonly label: string;
  readonly value: number;
  /** Of several runs. */
  readonly lowest?: number;
  readonly highest?: number;
  /** Drawn in the colour of what the page is about. */
  readonly isOurs: boolean;
};

export type StackedBar = { readonly label: string; readonly parts: readonly { readonly name: string; readonly value: number }[] };

const WIDTH = 760;
const LABEL_WIDTH = 250;
const VALUE_WIDTH = 90;
const ROW = 26;
const BAR = 16;
const TOP = 52;
const OURS = '#1f6feb';
const OTHERS = '#9aa4b0';
const PARTS = ['#1f6feb', '#2da44e', '#bf8700', '#cf222e', '#8250df', '#1b7c83', '#bc4c00', '#6e7781', '#0a3069', '#953800', '#57606a'];

/** Horizontal bars from 0, one below the other, with a line from the lowest to the highest run. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const largest = Math.max(...bars.map(({ value, highest }) => highest ?? value), 0);
  const scale = scaleTo(largest);
  const rows = bars.map((bar, n) => {
    const y = TOP + n * ROW;
    const middle = y + BAR / 2;
    const { lowest = bar.value, highest = bar.value } = bar;
    return [
      label(bar.label, y),
      rect(LABEL_WIDTH, y, scale(bar.value), bar.isOurs ? OURS : OTHERS),
      ...(highest > lowest ? [line(LABEL_WIDTH + scale(lowest), middle, LABEL_WIDTH + scale(highest), middle)] : []),
      text(LABEL_WIDTH + scale(highest) + 6, y, 'start', valueText(bar.value)),
    ].join('\n');
  });
  return picture(title, unit, TOP + bars.length * ROW + 8, rows);
}

/** Horizontal bars, each made of parts that have the same colour in all of them. */
export function stackedChart(title: string, unit: string, bars: readonly StackedBar[]): string {
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  const sumOf = ({ parts }: StackedBar): number => parts.reduce((sum, { value }) => sum + value, 0);
  const scale = scaleTo(Math.max(...bars.map(sumOf), 0));
  const colour = (name: string): string => PARTS[names.indexOf(name) % PARTS.length] ?? OTHERS;
  const rows = bars.map((bar, n) => {
    const y = TOP + n * ROW;
    let x = LABEL_WIDTH;
    const parts = bar.parts.map(({ name, value }) => {
      const width = scale(value);
      x += width;
      return rect(x - width, y, width, colour(name), `${name}: ${valueText(value)}`);
    });
    return [label(bar.label, y), ...parts, text(x + 6, y, 'start', valueText(sumOf(bar)))].join('\n');
  });
  const legendTop = TOP + bars.length * ROW + 10;
  const perRow = 4;
  const legend = names.map((name, n) => {
    const x = 12 + (n % perRow) * (WIDTH / perRow);
    const y = legendTop + Math.floor(n / perRow) * 20;
    return `<rect x="${x}" y="${y + 2}" width="12" height="12" fill="${colour(name)}"/>\n${text(x + 18, y, 'start', name)}`;
  });
  return picture(title, unit, legendTop + Math.ceil(names.length / perRow) * 20 + 8, [...rows, ...legend]);
}

function scaleTo(largest: number): (value: number) => number {
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  return (value) => (largest <= 0 ? 0 : round((value / largest) * room));
}

function picture(title: string, unit: string, height: number, content: readonly string[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15" font-weight="bold" fill="#1f2328">${escaped(title)}</text>`,
    `<text x="12" y="40" fill="#57606a">${escaped(unit)}</text>`,
    ...content,
    '</svg>',
  ].join('\n')}\n`;
}

function label(value: string, y: number): string {
  return text(LABEL_WIDTH - 8, y, 'end', value);
}

function text(x: number, y: number, anchor: 'start' | 'end', value: string): string {
  return `<text x="${round(x)}" y="${y + BAR - 3}" text-anchor="${anchor}" fill="#1f2328">${escaped(value)}</text>`;
}

function rect(x: number, y: number, width: number, fill: string, title?: string): string {
  const open = `<rect x="${round(x)}" y="${y}" width="${width}" height="${BAR}" fill="${fill}"`;
  return title === undefined ? `${open}/>` : `${open}><title>${escaped(title)}</title></rect>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${y1}" x2="${round(x2)}" y2="${y2}" stroke="#1f2328" stroke-width="2"/>`;
}

function valueText(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
