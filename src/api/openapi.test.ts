import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApiFile, openApiText } from './openapi.ts';

type Operation = { readonly operationId: string; readonly security?: unknown; readonly responses: Readonly<Record<string, unknown>> };

const text = await openApiText();
const document = JSON.parse(text) as {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
);

describe('The OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(text);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  it('is the one in docs/openapi.json: run "npm run docs:openapi"', () => {
    expect(readFileSync(openApiFile, 'utf8')).toBe(text);
  });

  it('has every route of docs/rest.md, and no other', () => {
    const rest = readFileSync(new URL('../../docs/rest.md', import.meta.url), 'utf8');
    const documented = [...rest.matchAll(/`(GET|POST|PUT) (\/v1\/[^`]+)`/g)].map(
      ([, method = '', path = '']) => `${method.toLowerCase()} ${path.replace('{n}', '{version}')}`,
    );
    expect([...new Set(documented)].sort()).toEqual(operations.map(({ name }) => name).sort());
  });

  it('says of every route that it takes a key, and what it answers without', () => {
    expect(operations.length).toBeGreaterThan(20);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { name, security, responses } of operations) {
      expect(security, name).toEqual([{ apiKey: [] }]);
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining(['400', '401', '403', '429', '500', '503']));
    }
  });
});
