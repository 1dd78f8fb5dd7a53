/** The request that an http node sends (language, "Nodes"). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { errorsOf, nodeOf } from '../../definition/testing/documents.ts';
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

  const requestOf = (node: object, input: Json): { readonly url: string; readonly body?: Json; readonly headers: Json } =>
    (
      new Scenario(nodeOf({ ...http, ...node } as typeof http), input).task('n') as unknown as {
        payload: { input: { url: string; headers: Json } };
      }
    ).payload.input;
  const hostile = 'a/b?admin=1&x#y%2f\\ü';
  const encoded = encodeURIComponent(hostile);

  it.each<[string, Json, string]>([
    ['https://h.example/customers/${ input.v }', hostile, `https://h.example/customers/${encoded}`],
    ['https://h.example/c/id-${ input.v }.json', hostile, `https://h.example/c/id-${encoded}.json`],
    ['https://h.example/c?q=${ input.v }&only=mine', hostile, `https://h.example/c?q=${encoded}&only=mine`],
    ['https://h.example/c?${ input.v }=1', 'a=b&c', 'https://h.example/c?a%3Db%26c=1'],
    ['${ input.base }/customers/${ input.v }?q=${ input.v }', hostile, `https://base.example/v1/customers/${encoded}?q=${encoded}`],
    ['${ input.base }', hostile, 'https://base.example/v1'],
    ['https://${ input.v }.example/x', 'eu-1', 'https://eu-1.example/x'],
    ['https://${ input.v }/x', 'h.example:8443', 'https://h.example:8443/x'],
    ['https://h.example/n/${ input.v }', 22, 'https://h.example/n/22'],
    ['https://h.example/half/${ input.v }', '\ud800', 'https://h.example/half/%EF%BF%BD'],
  ])('encodes the values in the url %s by where they stand', (written, v, expected) => {
    expect(requestOf({ url: written }, { v, base: 'https://base.example/v1' }).url).toBe(expected);
  });

  it.each<[string, Json]>([
    ['https://h.example/customers/${ input.v }', '..'],
    ['https://h.example/customers/${ input.v }', '.'],
    ['https://h.example/customers/.${ input.v }/x', '.'],
    ['https://h.example/customers/${ input.v }/orders', ''],
    ['${ input.base }/customers/${ input.v }', '..'],
    ['https://${ input.v }/x', 'h.example/admin'],
    ['https://${ input.v }.example/x', 'evil.example#'],
    ['https://${ input.v }.example/x', 'user@evil'],
    ['${ input.v }/customers', 'https://evil.example/?x='],
    ['${ input.v }/customers', 'https://evil.example/#'],
  ])('comes under incident where the url %s would become another request with %j', (written, v) => {
    const node = { ...http, url: written };
    const scenario = new Scenario(nodeOf(node), { v, base: 'https://base.example' });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
  });

  it.each<[string, Json, string]>([
    ['https://h.example/c', { a: 'x y&z', n: 1, flag: false }, 'https://h.example/c?a=x%20y%26z&n=1&flag=false'],
    ['https://h.example/c?x=1', { a: ['p', 'q'], 'b c': '${ null }', d: ['${ null }'] }, 'https://h.example/c?x=1&a=p&a=q'],
    ['https://h.example/c#here', { a: 1 }, 'https://h.example/c?a=1#here'],
    ['https://h.example/c', {}, 'https://h.example/c'],
    ['https://h.example/c', '${ input }', 'https://h.example/c?v=%3F'],
  ])('appends the query to %s', (written, query, expected) => {
    expect(requestOf({ url: written, query }, { v: '?' }).url).toBe(expected);
  });

  it('sends a form, and an object under the type of one', () => {
    const form = { amount: 5, to: ['a b', 'c&d'], none: '${ null }' };
    const type = 'application/x-www-form-urlencoded';
    const text = 'amount=5&to=a%20b&to=c%26d';
    expect(requestOf({ url, form }, {})).toMatchObject({ body: text, headers: { 'content-type': type } });
    expect(requestOf({ url, body: form, headers: { 'Content-Type': type } }, {})).toMatchObject({
      body: text,
      headers: { 'Content-Type': type },
    });
    expect(requestOf({ url, body: 'a=b', headers: { 'Content-Type': type } }, {})).toMatchObject({ body: 'a=b' });
  });

  it('sends the bytes of a body in base64', () => {
    const request = requestOf({ url, body: '${ base64.encode(input.v) }', bodyEncoding: 'base64' }, { v: 'ä' });
    expect(request).toMatchObject({ body: 'w6Q=', bodyEncoding: 'base64' });
  });

  it.each<[string, object, string, string]>([
    [
      'a body that is no base64',
      { body: 'é', bodyEncoding: 'base64' },
      '/nodes/n/body',
      'a string of base64, since "bodyEncoding" says so',
    ],
    ['a body that is an object', { body: {}, bodyEncoding: 'base64' }, '/nodes/n/body', 'a string of base64, since "bodyEncoding" says so'],
    ['no body', { bodyEncoding: 'base64' }, '/nodes/n/bodyEncoding', 'left out where there is no "body"'],
  ])('is refused with bytes where there is %s', (_, fields, pointer, expected) => {
    const name = pointer.split('/').at(-1);
    expect(errorsOf(nodeOf({ ...http, ...fields } as typeof http))).toEqual([
      { pointer, code: 'MR_DEF_SHAPE', message: `"${name}" must be ${expected}.` },
    ]);
  });

  it.each<[string, Json]>([
    ['a query that is no object', { ...http, query: '${ 1 }' }],
    ['a value of the query that is an object', { ...http, query: { a: '${ {} }' } }],
    ['a form that is no object', { ...http, form: '${ [1] }' }],
    ['an array under the type of a form', { ...http, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: [1] }],
    ['bytes that are no base64', { ...http, body: '${ input.url }', bodyEncoding: 'base64' }],
    ['bytes that are an object', { ...http, body: '${ input }', bodyEncoding: 'base64' }],
    ['a url that is no text', { ...http, url: '${ 1 }' }],
    ['a method that is no text', { ...http, method: '${ {} }' }],
    ['headers that are no object', { ...http, headers: '${ [1] }' }],
    ['a header that is a list', { ...http, headers: { a: '${ [1] }' } }],
  ])('comes under incident for %s', (_, node) => {
    const scenario = new Scenario(nodeOf(node as typeof http), { url });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
  });
});
