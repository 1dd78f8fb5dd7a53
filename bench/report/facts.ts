/** What figures were taken on: the machine, the versions of what ran, and the settings that matter to speed. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import connector from '../../connect/connector.json' with { type: 'json' };
import { checkout } from '../../stack/home.ts';
import { brokerConfig, heapMiB, postgresConfig, versions } from '../../stack/settings.ts';
import type { Options } from '../options.ts';

export function machineFacts(): Readonly<Record<string, string | number>> {
  const [first] = cpus();
  return {
    cores: cpus().length,
    processor: (first?.model ?? 'unknown').trim(),
    memoryGiB: Math.round(totalmem() / 1_073_741_824),
    node: process.version,
  };
}

export function versionFacts(): Readonly<Record<string, string>> {
  const { kafka, debezium, postgres, apicurio } = versions;
  return { millrace: commit(), kafka, debezium, postgres, apicurio };
}

/** The commit that is measured; `changed` where the checkout differs from it. */
function commit(): string {
  try {
    const git = (...args: readonly string[]): string => execFileSync('git', ['-C', checkout, ...args], { encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ', changed'}`;
  } catch {
    return 'unknown'; // no checkout of git
  }
}

export function settingFacts({ pollIntervalMs, processes, inFlight, env }: Options): Readonly<Record<string, string>> {
  const { shared_buffers, max_wal_size } = postgresConfig;
  return {
    'poll.interval.ms': String(pollIntervalMs),
    'max.batch.size': connector['max.batch.size'],
    'orchestrators and workers, each': String(processes),
    'in flight': String(inFlight),
    shared_buffers,
    max_wal_size,
    fsync: 'on',
    'replicas in Kafka': brokerConfig['offsets.topic.replication.factor'],
    'heap of Kafka, MiB': String(heapMiB.kafka),
    'heap of Connect, MiB': String(heapMiB.connect),
    ...env,
  };
}
