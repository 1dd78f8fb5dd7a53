/** Kafka's own console producer, in Java: a producer that shares no code with ours. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installJars } from '../../stack/install/jars.ts';

export type JavaProducerOptions = {
  readonly brokers: string;
  readonly topic: string;
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** Key and value of each record, and its headers as `name:value,name:value`: on all of them or on none. */
  readonly records: readonly (readonly [key: string, value: string, headers?: string])[];
};

/** Resolves when all records are acknowledged. */
export async function produceByJava({ brokers, topic, compression, records }: JavaProducerOptions): Promise<void> {
  const jars = await installJars(() => undefined);
  const args = [
    '-Xmx128m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-cp',
    join(jars.kafka, '*'),
    'org.apache.kafka.tools.ConsoleProducer',
  ];
  args.push('--bootstrap-server', brokers, '--topic', topic, '--compression-codec', compression);
  args.push('--reader-property', 'parse.key=true', '--reader-property', 'key.separator=\t');
  const withHeaders = records.some(([, , headers]) => headers !== undefined);
  if (withHeaders) args.push('--reader-property', 'parse.headers=true', '--reader-property', 'headers.delimiter=\t');
  const child = spawn('java', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stdin.end(records.map(([key, value, headers]) => `${withHeaders ? `${headers ?? ''}\t` : ''}${key}\t${value}\n`).join(''));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The console producer ended with ${code}: ${said.slice(-2_000)}`));
    });
  });
}
