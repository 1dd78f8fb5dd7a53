/** The API over an engine in memory, asked without a network; everything is closed after each test. */
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import type { Json } from '../../core/json.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { OutgoingRecord } from '../../messaging/log.ts';
import { createHealth } from '../../service/health.ts';
import { createMetrics } from '../../service/metrics.ts';
import { createApp } from '../app.ts';
import type { ApiApp, ApiLimits } from '../context.ts';
import type { ApiPorts } from '../ports.ts';
import { assertAsDocumented } from './as-documented.ts';
import { MemoryEngine } from './memory-engine.ts';
import { memoryCodec, memoryOutgoing, memoryPorts, PREFIX } from './memory-ports.ts';

export type Answer = { readonly status: number; readonly body: unknown; readonly headers: Readonly<Record<string, unknown>> };
/** What a test reads of an answer; a wrong shape fails its expectation. */
export type Body = { readonly [name: string]: Json };

export type TestApi = {
  readonly app: ApiApp;
  readonly engine: MemoryEngine;
  /** Reads what is published. */
  readonly codec: Codec;
  readonly produced: OutgoingRecord[];
  readonly madeQueues: string[];
  /** Aborts as the process does at its end. */
  readonly end: AbortController;
  /** Why starts are refused; null: they are not. */
  refuse: string | null;
  backlogSeconds: number;
  /** With an admin's key unless told otherwise. */
  ask(
    method: 'GET' | 'POST' | 'PUT',
    url: string,
    body?: Json,
    options?: { readonly key?: string; readonly headers?: Record<string, string> },
  ): Promise<Answer>;
  deploy(document: Json): Promise<void>;
  start(definition: string, body?: Json): Promise<string>;
};

export const limits: ApiLimits = {
  bodyBytes: 65_536,
  payloadBytes: 16_384,
  definitionBytes: 32_768,
  depth: 20,
  waitMaxMs: 5_000,
};

/** @returns the problem. */
export function expectProblem({ status, body }: Answer, expectedStatus: number, code: string): Body {
  expect({ status, body }).toMatchObject({ status: expectedStatus, body: { code } });
  return body as Body;
}

export async function openTestApi(ports: Partial<ApiPorts> = {}, changed: Partial<ApiLimits> = {}): Promise<TestApi> {
  const queues = ['special'];
  const codec = memoryCodec(queues);
  const outgoing = await memoryOutgoing(codec);
  await outgoing.prepareQueues(queues);
  const engine = await MemoryEngine.open(codec, outgoing, PREFIX, queues);
  const key = await engine.addKey('admin', 'root');
  const end = new AbortController();
  const produced: OutgoingRecord[] = [];
  const madeQueues: string[] = [];
  const health = createHealth();
  const api: Pick<TestApi, 'refuse' | 'backlogSeconds'> = { refuse: null, backlogSeconds: 0 };
  const app = await createApp({
    ports: {
      ...memoryPorts(engine, outgoing),
      admission: { reasonToRefuse: () => api.refuse, backlogSeconds: () => api.backlogSeconds },
      ensureQueues: async (queues) => {
        madeQueues.push(...queues);
      },
      produce: async (record) => {
        produced.push(record);
      },
      ...ports,
    },
    limits: { ...limits, ...changed },
    publishTopics: ['allowed'],
    log: pino({ level: 'silent' }),
    metrics: createMetrics('test'),
    health,
    signal: end.signal,
  });
  onTestFinished(async () => {
    end.abort();
    await app.close();
  });

  const ask: TestApi['ask'] = async (method, url, body, options = {}) => {
    const request: InjectOptions = {
      method,
      url,
      headers: {
        authorization: `Bearer ${options.key ?? key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    };
    const response = await app.inject(request);
    assertAsDocumented(app, request, response);
    const isJson = /json/.test(String(response.headers['content-type']));
    return { status: response.statusCode, headers: response.headers, body: isJson ? (response.json() as unknown) : response.payload };
  };
  return Object.assign(api, {
    app,
    engine,
    codec,
    produced,
    madeQueues,
    end,
    ask,
    async deploy(document: Json) {
      const { status, body } = await ask('POST', '/v1/definitions', document);
      if (status !== 201) throw new Error(`the deploy was answered ${status}: ${JSON.stringify(body)}`);
    },
    async start(definition: string, body: Json = {}) {
      const answer = await ask('POST', `/v1/definitions/${definition}/instances`, body);
      if (answer.status !== 201) throw new Error(`the start was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      return String((answer.body as Body).instanceId);
    },
  });
}
