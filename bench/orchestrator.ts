/**
 * How fast one orchestrator decides when Kafka and Postgres cost nothing: decoding, the core, making messages, commits, on
 * the log and the store in memory. `node bench/orchestrator.ts [instances]` prints notifications a second of CPU for
 * the first task of a chain (states from the store) and the second (states from the cache, the instance ends).
 */
import { Fixture } from '../src/orchestrator/testing/fixture.ts';

const FETCH = 500;

async function measure(fixture: Fixture, path: string, instances: number, from: number): Promise<void> {
  const records = Array.from({ length: instances }, (_, n) =>
    fixture.outcome(from + n, path, { n, output: JSON.stringify({ order: n, items: ['a', 'b'] }) }),
  );
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (let at = 0; at < instances; at += FETCH) {
    fixture.consumer.give(0, records.slice(at, at + FETCH));
    if (at % (4 * FETCH) === 0) await fixture.committed(from + Math.min(at + FETCH, instances));
  }
  await fixture.committed(from + instances);
  const { user, system } = process.cpuUsage(cpu);
  const line = {
    task: path,
    notifications: instances,
    perSecond: Math.round(instances / ((performance.now() - began) / 1_000)),
    perSecondOfCpu: Math.round((instances / (user + system)) * 1_000_000),
    cpuMicroseconds: Math.round(((user + system) / instances) * 10) / 10,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const instances = Number(process.argv[2] ?? 20_000);
const fixture = await Fixture.start();
for (let n = 0; n < instances; n++) fixture.begin(n);
await measure(fixture, 'pick', instances, 0);
await measure(fixture, 'pack', instances, instances);
if (fixture.state(0).phase !== 'completed' || fixture.producer.sent.length > 0) throw new Error('not everything was applied');
