/**
 * What a start costs the API process: CPU time for each, by real HTTP on loopback, the load from a process of its own.
 * `node bench/api-starts.ts [starts] [connections]` measures with a store that answers at once; with `--real` before them
 * it runs the whole API on the stack that the environment names (after `millrace migrate`, `topics`, `schemas register`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { openLocalApi } from '../src/api/testing/local-api.ts';
import { loadConfig } from '../src/service/config.ts';

const definition = {
  id: 'bench-starts',
  input: { type: 'object', required: ['order'], properties: { order: { type: 'string' } } },
  nodes: { work: { type: 'task', task: 'noop', input: { order: '${ input.order }' } } },
  edges: [],
};
const body = JSON.stringify({ input: { order: 'x'.repeat(220) } });

type Target = { readonly url: string; readonly apiKey: string; stop(): Promise<void> };

async function openReal(): Promise<Target> {
  const { apiConfigGroups, runApi } = await import('../src/api/main.ts');
  const apiKey = 'bench-key-0123456789';
  const env = { ...process.env, PORT: '0', MILLRACE_API_KEY: apiKey, LOG_LEVEL: 'warn' };
  const api = await runApi(loadConfig(env, apiConfigGroups));
  return { url: api.url, apiKey, stop: () => api.stop() };
}

async function measure(target: Target, starts: number, connections: number): Promise<void> {
  const headers = { authorization: `Bearer ${target.apiKey}`, 'content-type': 'application/json' };
  const deployed = await fetch(`${target.url}/v1/definitions`, { method: 'POST', headers, body: JSON.stringify(definition) });
  if (!deployed.ok) throw new Error(`the deploy was answered ${deployed.status}: ${await deployed.text()}`);
  for (const count of [Math.ceil(starts / 5), starts]) {
    const cpu = process.cpuUsage();
    const load = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), 'load', target.url, target.apiKey, String(count), String(connections)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    load.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code] = (await once(load, 'close')) as [number];
    if (code !== 0) throw new Error('the load failed');
    const { user, system } = process.cpuUsage(cpu);
    const cpuMicrosecondsPerStart = Math.round((user + system) / count);
    const line = {
      ...(JSON.parse(said) as object),
      cpuMicrosecondsPerStart,
      startsPerSecondAndCore: Math.round(1e6 / cpuMicrosecondsPerStart),
    };
    // The first run only warms up.
    if (count === starts) process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

/** The other process: so many connections, each with one request at a time. */
async function load(url: string, apiKey: string, starts: number, connections: number): Promise<void> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  let left = starts;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) {
        const sentAt = performance.now();
        const { statusCode, body: answer } = await pool.request({
          method: 'POST',
          path: `/v1/definitions/${definition.id}/instances`,
          headers,
          body,
        });
        await answer.dump();
        latencies.push(performance.now() - sentAt);
        if (statusCode !== 201) refused[statusCode] = (refused[statusCode] ?? 0) + 1;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  await pool.close();
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => Math.round((latencies[Math.floor(latencies.length * part)] ?? 0) * 10) / 10;
  process.stdout.write(
    JSON.stringify({ starts, connections, perSecond: Math.round(starts / seconds), p50Ms: at(0.5), p99Ms: at(0.99), refused }),
  );
}

const [, , first, ...rest] = process.argv;
if (first === 'load') {
  const [url = '', apiKey = '', starts, connections] = rest;
  await load(url, apiKey, Number(starts), Number(connections));
} else {
  const real = first === '--real';
  const [starts = 20_000, connections = 64] = (real ? rest : process.argv.slice(2)).map(Number);
  const target = real ? await openReal() : await openLocalApi();
  await measure(target, starts, connections);
  await target.stop();
}
