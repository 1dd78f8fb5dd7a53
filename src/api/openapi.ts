/**
 * Writes docs/openapi.json from the routes: `npm run docs:openapi`. A test compares. It is the document that
 * `/openapi.json` serves; it needs no database and no broker.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createHealth } from '../service/health.ts';
import { createLogger } from '../service/logging.ts';
import { createMetrics } from '../service/metrics.ts';
import { createApp } from './app.ts';
import type { ApiPorts } from './ports.ts';

export const openApiFile = new URL('../../docs/openapi.json', import.meta.url);

/** The document as a string that ends with a newline. */
export async function openApiText(): Promise<string> {
  const app = await createApp({
    // No route is called.
    ports: {} as ApiPorts,
    limits: { bodyBytes: 1, payloadBytes: 1, definitionBytes: 1, depth: 1, waitMaxMs: 1 },
    publishTopics: [],
    log: createLogger({ name: 'openapi', level: 'silent' }),
    metrics: createMetrics('openapi'),
    health: createHealth(),
    signal: new AbortController().signal,
  });
  try {
    const { payload } = await app.inject('/openapi.json');
    return `${JSON.stringify(JSON.parse(payload), null, 2)}\n`;
  } finally {
    await app.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(openApiFile, await openApiText());
