/**
 * What an external event costs the correlator and Postgres: `node bench/events.ts [events]`. Starts a Postgres of its own, parks instances, and gives
 * each the event that it waits for: events that come from eight partitions at a time, correlated by each partition alone and all together.
 * Prints transactions, CPU time of the session and of this process for each event. Linux only.
 */
import { uuidv7 } from 'uuidv7';
import type { ExternalEvent } from '../src/core/external-event.ts';
import type { InstanceId } from '../src/core/ids.ts';
import { start } from '../src/core/instance/index.ts';
import { transitionOf } from '../src/engine/transition.ts';
import { type BenchStore, parsed, startBenchStore } from './bench-store.ts';
import { eventType, parked } from './engine/definitions.ts';

const PARTITIONS = 8;
/** Events that have come meanwhile, in all partitions together. */
const ROUNDS = [8, 16, 40] as const;

const [count = 4_000] = process.argv.slice(2).map(Number);
const definition = parsed(parked(1));

/** @returns the keys of the waits. */
async function park({ store, outgoing }: BenchStore): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, () => uuidv7() as string);
  for (let at = 0; at < count; at += 100) {
    const starts = keys.slice(at, at + 100).map((key) => {
      const id = uuidv7() as string as InstanceId;
      const command = { instanceId: id, input: { key }, businessKey: null, by: 'bench', cause: 'rest:1' };
      const result = start(definition, command, Date.now());
      if (!result.ok) throw new Error(result.error.error.message);
      return { transition: transitionOf(outgoing, outgoing.partitionOf(id), null, result.value), idempotency: null };
    });
    await store.start(starts);
  }
  return keys;
}

function eventOf(key: string): ExternalEvent {
  return { id: uuidv7() as string, type: eventType, source: 'bench', key, time: null, data: { n: 1 } };
}

/** @param calls how many calls of the store a round makes, one after the other. */
async function correlateAll({ store, matcher, sessionCpu }: BenchStore, keys: readonly string[], round: number, calls: number) {
  const [session, own] = [sessionCpu(), process.cpuUsage()];
  let matched = 0;
  for (let at = 0; at < keys.length; at += round) {
    const events = keys.slice(at, at + round).map(eventOf);
    const share = Math.ceil(events.length / calls);
    for (let from = 0; from < events.length; from += share)
      matched += (await store.correlate(events.slice(from, from + share), matcher)).matched;
  }
  const { user, system } = process.cpuUsage(own);
  if (matched !== keys.length) throw new Error(`${matched} of ${keys.length} events were matched`);
  return {
    round,
    calls,
    sessionCpuMs: Number((((sessionCpu() - session) * 1_000) / keys.length).toFixed(3)),
    ownCpuMs: Number(((user + system) / 1_000 / keys.length).toFixed(3)),
  };
}

const bench = await startBenchStore();
try {
  await bench.store.registerEventTypes([eventType]);
  await correlateAll(bench, await park(bench), 40, 1);
  for (const round of ROUNDS)
    for (const calls of [PARTITIONS, 1, PARTITIONS, 1]) {
      const figures = await correlateAll(bench, await park(bench), round, calls);
      process.stdout.write(`${JSON.stringify(figures)}\n`);
    }
} finally {
  await bench.stop();
}
