/**
 * How fast records become bytes and back, on one core: `node bench/codec.ts [seconds]`. Needs nothing running.
 * Reading by another version of a schema goes through a resolver, which is how old readers meet new writers.
 */
import { avroTypeOf } from '../src/messaging/avro.ts';
import { createCodec } from '../src/messaging/codec.ts';
import { type Records, schemaTexts } from '../src/messaging/generated/records.ts';
import { MemoryRegistry } from '../src/messaging/memory/registry.ts';
import { frameBytes, writeFrameHead } from '../src/messaging/wire-format.ts';

const topic = 'millrace.notifications';
const seconds = Number(process.argv[2] ?? '2');

const registry = new MemoryRegistry();
registry.addRecord(topic, 'TaskOutcome');
const schema = JSON.parse(schemaTexts.TaskOutcome) as { readonly fields: readonly unknown[] };
const newer = { ...schema, fields: [...schema.fields, { name: 'continuing', doc: 'Added.', type: ['null', 'string'], default: null }] };
const newerId = registry.add('newer', JSON.stringify(newer));
const codec = createCodec({ registry });
await codec.prepare([{ topic, record: 'TaskOutcome' }]);

const outcome: Records['TaskOutcome'] = {
  taskId: '01890000-0000-7000-8000-000000000001.charge',
  instanceId: '01890000-0000-7000-8000-000000000001',
  attempt: 1,
  basis: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
  status: 'completed',
  output: JSON.stringify({ note: 'x'.repeat(230) }),
  errorCode: null,
  errorMessage: null,
  errorDetails: null,
  continuing: null,
  outputReference: null,
  retryable: null,
  retryAfterMs: null,
  worker: 'task-consumer-1',
  startedAt: 1_764_000_000_000,
  finishedAt: 1_764_000_000_010,
};
const same = codec.encode('TaskOutcome', topic, outcome);
const head = Buffer.alloc(frameBytes);
writeFrameHead(head, newerId);
const other = Buffer.concat([head, avroTypeOf(newer).toBuffer({ ...outcome, continuing: 'x' })]);
for (const bytes of [same, other]) {
  const decoded = await codec.decode(bytes, ['TaskOutcome']);
  if (!decoded.ok) throw new Error(decoded.reason);
}

/** Calls per second, after a warm-up as long as a tenth of the run. */
function rateOf(work: () => unknown): number {
  const run = (forMs: number): number => {
    const startedAt = performance.now();
    let calls = 0;
    while (performance.now() - startedAt < forMs) for (let i = 0; i < 1_000; i++, calls++) work();
    return (calls / (performance.now() - startedAt)) * 1_000;
  };
  run(seconds * 100);
  return run(seconds * 1_000);
}

const rates = {
  encode: rateOf(() => codec.encode('TaskOutcome', topic, outcome)),
  'decode, same version': rateOf(() => codec.decode(same, ['TaskOutcome'])),
  'decode, newer version': rateOf(() => codec.decode(other, ['TaskOutcome'])),
};
process.stdout.write(`TaskOutcome of ${same.length} bytes, Node ${process.version}\n`);
for (const [name, rate] of Object.entries(rates)) process.stdout.write(`${name.padEnd(24)}${Math.round(rate).toLocaleString('en')}/s\n`);
