/** The API over an engine in memory that keeps nothing of what is started: what it costs by itself, for bench/. */
import { pino } from 'pino';
import { createHealth } from '../../service/health.ts';
import { createMetrics } from '../../service/metrics.ts';
import { createApp } from '../app.ts';
import { MemoryEngine } from './memory-engine.ts';
import { memoryCodec, memoryOutgoing, memoryPorts, PREFIX } from './memory-ports.ts';

export type LocalApi = { readonly url: string; readonly apiKey: string; stop(): Promise<void> };

export async function openLocalApi(): Promise<LocalApi> {
  const codec = memoryCodec();
  const outgoing = await memoryOutgoing(codec);
  const engine = await MemoryEngine.open(codec, outgoing, PREFIX);
  const end = new AbortController();
  const app = await createApp({
    ports: {
      ...memoryPorts(engine, outgoing),
      instances: { ...engine.instances, start: async (starts) => starts.map(() => ({ kind: 'started' })) },
    },
    limits: { bodyBytes: 1_048_576, payloadBytes: 524_288, definitionBytes: 262_144, depth: 64, waitMaxMs: 60_000 },
    publishTopics: [],
    log: pino({ level: 'silent' }),
    metrics: createMetrics('bench'),
    health: createHealth(),
    signal: end.signal,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    apiKey: await engine.addKey('admin', 'bench'),
    async stop() {
      end.abort();
      await app.close();
    },
  };
}
