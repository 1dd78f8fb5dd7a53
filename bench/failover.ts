/**
 * How long partitions stand still when a member of a consumer group is killed: `node bench/failover.ts [--session 6s]`.
 * Brings up a stack of its own, three members as processes of their own on a topic of twelve partitions, and writes a record a
 * twentieth of a second to each partition. Then it kills one with SIGKILL, without a replacement and with one that joins at
 * once, and prints the longest time without a record: over the partitions of the dead member, and over those of the others.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { connectKafka } from '../src/messaging/kafkajs/index.ts';
import { openHome } from '../stack/home.ts';
import { startStack } from '../stack/index.ts';
import { deleteData } from '../stack/reset.ts';

const PARTITIONS = 12;
const MEMBERS = 3;
const EVERY_MS = 50;

const program = new Command('failover')
  .option('--session <ms>', 'session timeout of the members, in ms', '6000')
  .option('--reps <n>', 'kills of each kind', '3')
  // How this file runs itself as a member.
  .option('--member <brokers>')
  .option('--topic <name>')
  .parse();
const options = program.opts<{ session: string; reps: string; member?: string; topic?: string }>();
const sessionMs = Number(options.session);
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

if (options.member !== undefined && options.topic !== undefined) await runMember(options.member, options.topic);
else await measure();

/** Writes the partition of each record that it gets. */
async function runMember(brokers: string, topic: string): Promise<void> {
  const log = connectKafka({ brokers: [brokers], clientId: 'failover' }, quiet);
  const consumer = log.consumer({
    groupId: `${topic}.group`,
    topics: [topic],
    sessionTimeoutMs: sessionMs,
    commitIntervalMs: 50,
    handlers: {
      onBatch: ({ partition, generation, records }) => {
        process.stdout.write(`${partition}\n`);
        consumer.commit({ topic, partition }, (records.at(-1)?.offset ?? 0n) + 1n, generation);
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
  await consumer.start();
}

async function measure(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'millrace-failover-'));
  const stack = await startStack({ home, ports: 'free' });
  const brokers = stack.env.KAFKA_BROKERS ?? '';
  const log = connectKafka({ brokers: [brokers], clientId: 'failover-load' }, quiet);
  const admin = log.admin();
  const producer = log.producer();
  try {
    for (const isReplaced of [false, true]) {
      for (let rep = 0; rep < Number(options.reps); rep++) {
        const topic = `failover-${isReplaced ? 'replaced' : 'alone'}-${rep}`;
        await admin.createTopics([{ topic, partitions: PARTITIONS, replication: 1, config: {} }]);
        const timer = setInterval(() => {
          void producer.send(
            Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, key: null, value: Buffer.from('x') })),
          );
        }, EVERY_MS);
        const { ofDead, ofOthers } = await killOne(brokers, topic, isReplaced);
        clearInterval(timer);
        process.stdout.write(`${JSON.stringify({ sessionMs, isReplaced, ofDeadMs: ofDead, ofOthersMs: ofOthers })}\n`);
      }
    }
  } finally {
    await producer.stop();
    await admin.close();
    await stack.stop();
    deleteData(openHome(home));
    rmSync(home, { recursive: true, force: true });
  }
}

async function killOne(brokers: string, topic: string, isReplaced: boolean): Promise<{ ofDead: number; ofOthers: number }> {
  const members: ChildProcess[] = [];
  /** By partition: who read it last and when, and the longest time without a record since the kill. */
  const last = new Map<number, { readonly by: number; readonly at: number }>();
  const longest = new Map<number, number>();
  let killedAt = Number.POSITIVE_INFINITY;
  const start = (): void => {
    const by = members.length;
    const args = [fileURLToPath(import.meta.url), '--member', brokers, '--topic', topic, '--session', options.session];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    members.push(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const partition = Number(line);
      const now = performance.now();
      const gap = now - (last.get(partition)?.at ?? now);
      if (now > killedAt) longest.set(partition, Math.max(longest.get(partition) ?? 0, gap));
      last.set(partition, { by, at: now });
    });
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await delay(20);
  };
  const readers = (): ReadonlySet<number> => new Set([...last.values()].map(({ by }) => by));
  try {
    for (let n = 0; n < MEMBERS; n++) start();
    await until(() => last.size === PARTITIONS && readers().size === MEMBERS);
    await delay(3_000);
    const owners = new Map([...last].map(([partition, { by }]) => [partition, by] as const));
    killedAt = performance.now();
    members[0]?.kill('SIGKILL');
    if (isReplaced) start();
    await until(() => [...last.values()].every(({ by, at }) => by !== 0 && at > killedAt));
    // A replacement moves partitions once more when the dead member is told from the living.
    await delay(sessionMs + 3_000);
    const of = (isDead: boolean): number =>
      Math.round(Math.max(...[...longest].filter(([partition]) => (owners.get(partition) === 0) === isDead).map(([, gap]) => gap)));
    return { ofDead: of(true), ofOthers: of(false) };
  } finally {
    for (const member of members) member.kill('SIGKILL');
  }
}
