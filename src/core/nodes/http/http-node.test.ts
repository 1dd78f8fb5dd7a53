/** The request that an http node sends (language, "Nodes"). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { nodeOf } from '../../definition/testing/documents.ts';
import type { Json } from '../../json.ts';

const http = { type: 'http', method: 'post', url: '${ input.url }' };
const url = 'http://localhost/x';

describe('An http node', () => {
  it('gives the worker method, url, headers as texts, and body', () => {
    const headers = { 'X-Count': '${ input.count }', 'X-Flag': true, 'X-None': '${ null }' };
    const scenario = new Scenario(nodeOf({ ...http, headers, body: { list: ['${ input.count }'] } }), { url, count: 22 });
    expect(scenario.task('n')).toMatchObject({
      type: 'http',
      payload: {
        task: null,
        queue: null,
        timeoutMs: 30_000,
        input: { method: 'POST', url, headers: { 'X-Count': '22', 'X-Flag': 'true' }, body: { list: [22] } },
      },
    });
  });

  it('sends no body unless the node has one', () => {
    const { payload } = new Scenario(nodeOf(http), { url }).task('n') as { payload?: { input: Json } };
    expect(payload?.input).toEqual({ method: 'POST', url, headers: {} });
  });

  it.each<[string, Json]>([
    ['a url that is no text', { ...http, url: '${ 1 }' }],
    ['a method that is no text', { ...http, method: '${ {} }' }],
    ['headers that are no object', { ...http, headers: '${ [1] }' }],
    ['a header that is a list', { ...http, headers: { a: '${ [1] }' } }],
  ])('comes under incident for %s', (_, node) => {
    const scenario = new Scenario(nodeOf(node as typeof http), { url });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
  });
});
