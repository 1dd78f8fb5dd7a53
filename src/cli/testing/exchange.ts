/** What a command sends to the server and prints of the answer, and whether the API of the documents knows such a request. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type { CommandLine } from './command-line.ts';
import { runInProcess } from './in-process.ts';

export type Sent = { readonly request: string; readonly body: unknown; readonly key?: string };

/** @returns what the command sent, and how it ended. */
export async function exchange(line: CommandLine, args: readonly string[], status: number, answer: unknown) {
  const sent: Sent[] = [];
  line.answer = (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const key = request.headers['idempotency-key'];
      const body: unknown = text === '' ? null : JSON.parse(text);
      sent.push({ request: `${request.method} ${request.url}`, body, ...(typeof key === 'string' ? { key } : {}) });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  };
  return { ...(await runInProcess(args, { MILLRACE_HOME: line.home, MILLRACE_URL: line.url, MILLRACE_API_KEY: 'k' })), sent };
}

type Operation = { readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } } };
type Api = { readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } } };
const api = JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')) as Api;

/** A route of the API takes this request with this body. */
export function expectKnown({ request, body }: Sent): void {
  const [method = '', target = ''] = request.split(' ');
  const parts = target.split('?')[0]?.split('/') ?? [];
  const fits = (path: string): boolean => {
    const names = path.split('/');
    return names.length === parts.length && names.every((name, index) => name.startsWith('{') || name === parts[index]);
  };
  const operation = api.paths[Object.keys(api.paths).find(fits) ?? '']?.[method.toLowerCase()];
  expect(operation, request).toBeDefined();
  const schema = operation?.requestBody?.content['application/json'].schema;
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema ?? { const: null });
  expect({ fits: validate(body), errors: validate.errors }).toEqual({ fits: true, errors: null });
}
