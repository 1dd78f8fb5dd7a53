/** A codec that is prepared for the records that a worker reads and writes. */
import { type Codec, createCodec } from '../codec.ts';
import { MemoryRegistry } from '../memory/registry.ts';

export async function workerCodec(registry: MemoryRegistry = new MemoryRegistry()): Promise<Codec> {
  const records = [
    { topic: 'tasks', record: 'TaskScheduled' },
    { topic: 'notifications', record: 'TaskOutcome' },
    { topic: 'dead-letters', record: 'DeadLetter' },
  ] as const;
  const ids = records.map(({ topic, record }) => registry.addRecord(topic, record));
  const codec = createCodec({ registry });
  await codec.prepare(records);
  // The first record of a schema asks the registry; tests want to see the path of all the others.
  for (const id of ids) await codec.decodeForeign(Buffer.from([0, 0, 0, 0, id]));
  return codec;
}
