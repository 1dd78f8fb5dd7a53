/**
 * How fast expressions and templates are compiled and evaluated, on one core: `node bench/expressions.ts [seconds]`. Needs
 * nothing running. The state has 200 nodes, of which an expression sees what it asks for.
 */
import { compileExpression, compileTemplate, type Scope } from '../src/core/expression/index.ts';
import type { Json } from '../src/core/json.ts';

const seconds = Number(process.argv[2] ?? '2');

const nodes: Record<string, Json> = {};
for (let i = 0; i < 200; i++) {
  nodes[`n${i}`] = { output: { x: i, text: 'x'.repeat(100), list: [1, 2, 3] }, status: 'completed', error: null, attempt: 1 };
}
nodes.a = { output: { x: 5 }, status: 'completed', error: null, attempt: 1 };
const input = { amount: 120, items: Array.from({ length: 100 }, (_, index) => ({ sku: `sku-${index}`, price: index })) };
const scope: Scope = { nodes, input, vars: {}, instance: { id: '01890000-0000-7000-8000-000000000001' } };

function must<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error));
}

/** Calls per second, after a warm-up as long as a tenth of the run. */
function rateOf(work: () => unknown): number {
  const run = (forMs: number): number => {
    const startedAt = performance.now();
    let calls = 0;
    while (performance.now() - startedAt < forMs) for (let i = 0; i < 100; i++, calls++) work();
    return (calls / (performance.now() - startedAt)) * 1_000;
  };
  run(seconds * 100);
  return run(seconds * 1_000);
}

const rates: [string, number][] = [];
/** A source that was compiled lately is found again: a comment makes each a new one. */
let compiled = 0;
for (const source of [
  'nodes.a.output.x > 3',
  "nodes.a.status == 'completed' && input.amount >= 100",
  'input.items.filter(i, i.price > 50).size()',
]) {
  const expression = must(compileExpression(source));
  rates.push([source, rateOf(() => expression.evaluate(scope))]);
  rates.push([`compile ${source}`, rateOf(() => must(compileExpression(`// ${compiled++}\n${source}`)))]);
}
for (const value of [
  '${ input }',
  'Approve ${ input.amount } for ${ instance.id }',
  { id: '${ instance.id }', amount: '${ input.amount }', fixed: [1, 2, 3] },
]) {
  const template = must(compileTemplate(value));
  rates.push([JSON.stringify(value), rateOf(() => template.evaluate(scope))]);
}
process.stdout.write(`Node ${process.version}\n`);
for (const [name, rate] of rates) process.stdout.write(`${Math.round(rate).toLocaleString('en').padStart(12)}/s  ${name}\n`);
