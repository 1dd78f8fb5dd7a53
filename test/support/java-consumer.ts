/** Kafka's own console consumer, in Java: a consumer that shares no code with ours. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installJars } from '../../stack/install/jars.ts';

export type ConsumedRecord = {
  readonly partition: number;
  readonly headers: string;
  readonly key: string;
  readonly value: Buffer;
};

/** Everything that stands in a topic, once no more comes for a few seconds. */
export async function consumeByJava(brokers: string, topic: string): Promise<ConsumedRecord[]> {
  const jars = await installJars(() => undefined);
  const args = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(jars.kafka, '*')];
  args.push('org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', brokers, '--topic', topic);
  args.push('--from-beginning', '--timeout-ms', '4000');
  const shown = ['print.partition=true', 'print.headers=true', 'print.key=true', 'key.separator=\t'];
  // Bytes.toString writes what is not printable as \xNN, and the backslash itself as \x5C.
  shown.push('value.deserializer=org.apache.kafka.common.serialization.BytesDeserializer');
  for (const property of shown) args.push('--formatter-property', property);
  const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      // It always ends by the timeout, with an error code; this line says that it has read.
      if (/Processed a total of \d+ messages/.test(said)) resolve();
      else reject(new Error(`The console consumer failed: ${said.slice(-2_000)}`));
    });
  });
  return output
    .split('\n')
    .filter((line) => line.startsWith('Partition:'))
    .map(recordOf);
}

function recordOf(line: string): ConsumedRecord {
  const [partition = '', headers = '', key = '', ...value] = line.split('\t');
  const bytes = value.join('\t').replaceAll(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { partition: Number(partition.replace('Partition:', '')), headers, key, value: Buffer.from(bytes, 'latin1') };
}
