/** The API's ports over an engine in memory. */
import { hash } from 'node:crypto';
import { type Codec, createCodec } from '../../messaging/codec.ts';
import { MemoryRegistry } from '../../messaging/memory/registry.ts';
import { createOutgoing, type OutgoingMessages } from '../../messaging/outgoing.ts';
import { recordsOnTopics } from '../../messaging/registration.ts';
import type { ApiPorts } from '../ports.ts';
import type { MemoryEngine } from './memory-engine.ts';

export const PREFIX = 't';

/** By the schemas of a registry in memory. @param queues beside the default one. */
export function memoryCodec(queues: readonly string[] = []): Codec {
  const registry = new MemoryRegistry();
  for (const { topic, record } of recordsOnTopics(PREFIX, queues)) registry.addRecord(topic, record);
  return createCodec({ registry });
}

/** Real messages. */
export async function memoryOutgoing(codec = memoryCodec()): Promise<OutgoingMessages> {
  const outgoing = createOutgoing({ codec, prefix: PREFIX, partitions: 8, publishTopics: [] });
  await outgoing.prepare();
  return outgoing;
}

/** Nothing is produced, no queue is made, and starts are taken. */
export function memoryPorts(engine: MemoryEngine, outgoing: OutgoingMessages): ApiPorts {
  return {
    definitions: engine.definitions,
    cache: engine.cache,
    instances: engine.instances,
    queries: engine.queries,
    jobs: engine.jobs,
    queues: engine.queues,
    outgoing,
    admission: { reasonToRefuse: () => null, backlogSeconds: () => 0 },
    watch: engine.watch,
    wakes: () => true,
    parseDefinition: engine.parseDefinition,
    ensureQueues: () => Promise.resolve(),
    produce: () => Promise.resolve(),
    now: () => engine.now,
    sha256: (text) => hash('sha256', text, 'hex'),
  };
}
