/** Secrets by reference: what the core says of them, where they may stand, and that data cannot name one. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../../test/support/scenario.ts';
import { parseDefinition } from '../../../definition/index.ts';
import { nodeOf } from '../../../definition/testing/documents.ts';
import type { Json, JsonObject } from '../../../json.ts';
import { type SecretUse, secretReference } from '../../../secrets.ts';

type Payload = { readonly input: Json; readonly secrets?: readonly SecretUse[] };

function payloadOf(node: JsonObject, input: Json = {}): Payload {
  return (new Scenario(nodeOf(node), input).task('n') as unknown as { readonly payload: Payload }).payload;
}

const http = { type: 'http', method: 'POST', url: 'https://a.example/x' };
const task = { type: 'task', task: 'charge' };

/** Every place is one where the reference stands. */
function expectReferences({ input, secrets = [] }: Payload): void {
  for (const { pointer, offset, name } of secrets) {
    const text = pointer
      .split('/')
      .slice(1)
      .reduce((value, key) => (value as Record<string, Json>)[key] as Json, input) as string;
    expect(text.slice(offset)).toMatch(new RegExp(`^${secretReference(name).replaceAll(/[$.{}]/g, '\\$&')}`));
  }
}

describe('A reference to a secret', () => {
  it('stays one in what is stored, and says where it stands', () => {
    const payload = payloadOf({ ...http, headers: { authorization: 'Bearer ${ secrets.TOKEN }' }, body: { card: ['${secrets.CARD}'] } });
    expect(payload.input).toMatchObject({ headers: { authorization: 'Bearer ${ secrets.TOKEN }' }, body: { card: ['${ secrets.CARD }'] } });
    expect(payload.secrets).toEqual([
      { pointer: '/headers/authorization', name: 'TOKEN', encoding: 'none', offset: 7 },
      { pointer: '/body/card/0', name: 'CARD', encoding: 'none', offset: 0 },
    ]);
    expectReferences(payload);
  });

  it('stands in the url, query and form where the worker writes it encoded', () => {
    const inUrl = payloadOf({ ...http, url: 'https://a.example/bot${ secrets.BOT }/send', query: { key: ['a b', '${ secrets.KEY }!'] } });
    expect(inUrl.input).toMatchObject({ url: 'https://a.example/bot${ secrets.BOT }/send?key=a%20b&key=${ secrets.KEY }!' });
    expect(inUrl.secrets?.map(({ pointer, name, encoding }) => [pointer, name, encoding])).toEqual([
      ['/url', 'BOT', 'component'],
      ['/url', 'KEY', 'component'],
    ]);
    expectReferences(inUrl);
    const inForm = payloadOf({ ...http, form: { user: '${ input.user }', password: '${ secrets.PASSWORD }' } }, { user: 'a&b' });
    expect(inForm.input).toMatchObject({ body: 'user=a%26b&password=${ secrets.PASSWORD }' });
    expectReferences(inForm);
    expect(payloadOf({ ...http, url: '${ secrets.HOOK }' }).secrets).toMatchObject([{ pointer: '/url', encoding: 'none', offset: 0 }]);
    expect(payloadOf({ ...http, url: '${ secrets.HOOK }', query: { a: 1 } }).secrets).toMatchObject([
      { pointer: '/url', encoding: 'base' },
    ]);
    const base = payloadOf({ ...http, url: '${ secrets.BASE }/x/${ input.id }', query: { a: 1 } }, { id: '7' });
    expect(base.secrets).toMatchObject([{ pointer: '/url', encoding: 'base', offset: 0 }]);
    expectReferences(base);
  });

  it('stands in the input of a task, and goes to each attempt', () => {
    const scenario = new Scenario(nodeOf({ ...task, input: { key: '${ secrets.KEY }', of: '${ input.of }' } }), { of: 1 });
    const before = scenario.task('n') as unknown as { readonly payload: Payload };
    expect(before.payload).toMatchObject({ input: { key: '${ secrets.KEY }', of: 1 }, secrets: [{ pointer: '/key', name: 'KEY' }] });
  });

  it('that data brings is data', () => {
    const forged = '${ secrets.OTHER }';
    const whole = payloadOf({ ...task, input: '${ input }' }, { key: forged });
    expect(whole.input).toEqual({ key: forged });
    expect(whole).not.toHaveProperty('secrets');
    const beside = payloadOf({ ...http, headers: { a: '${ input.v }${ secrets.KEY }${ input.v }' } }, { v: forged });
    expect(beside.secrets).toEqual([{ pointer: '/headers/a', name: 'KEY', encoding: 'none', offset: forged.length }]);
    const halves = payloadOf({ ...http, body: '${ input.a }${ input.b }' }, { a: '$', b: '{ secrets.OTHER }' });
    expect(halves.input).toMatchObject({ body: forged });
    expect(halves).not.toHaveProperty('secrets');
    const escaped = payloadOf({ ...task, input: { text: '$${ secrets.KEY }' } });
    expect(escaped).not.toHaveProperty('secrets');
  });
});

describe('A secret is refused', () => {
  const errorsOf = (node: JsonObject, rest: object = {}): readonly string[] => {
    const parsed = parseDefinition({ ...nodeOf(node), ...rest }, { version: 1 });
    return parsed.ok ? [] : parsed.error.map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
  };
  const nowhereElse = 'A secret can stand in the url, query, headers, form and body of an `http` node and in the input of a `task`';

  it.each<[string, readonly string[], string, string]>([
    ['the output of a transform', errorsOf({ type: 'transform', output: { a: '${ secrets.KEY }' } }), '/nodes/n/output/a', nowhereElse],
    ['the data of an event', errorsOf({ type: 'publish', event: 'e', key: 'k', data: '${ secrets.KEY }' }), '/nodes/n/data', nowhereElse],
    ['the output of the definition', errorsOf(task, { output: '${ secrets.KEY }' }), '/output', nowhereElse],
    ['`vars`', errorsOf(task, { vars: { a: '${ secrets.KEY }' } }), '/vars/a', nowhereElse],
    ['`set`', errorsOf({ ...task, set: { a: '${ secrets.KEY }' } }), '/nodes/n/set/a', nowhereElse],
    ['the method', errorsOf({ ...http, method: '${ secrets.KEY }' }), '/nodes/n/method', 'A secret can be the value of a header'],
    ['the host', errorsOf({ ...http, url: 'https://${ secrets.KEY }/x' }), '/nodes/n/url', 'A secret cannot be a part of the host'],
    ['a fragment', errorsOf({ ...http, url: 'https://a.example/#${ secrets.KEY }' }), '/nodes/n/url', 'a fragment is never sent'],
    [
      'an expression',
      errorsOf({ ...task, input: "${ 'a' + secrets.KEY }" }),
      '/nodes/n/input',
      'An expression cannot compute with `secrets`',
    ],
    [
      'a condition',
      errorsOf({ type: 'event', event: 'e', key: 'k', where: "secrets.KEY == 'a'" }),
      '/nodes/n/where',
      'An expression cannot compute',
    ],
    ['a name that is none', errorsOf({ ...task, input: '${ secrets._x }' }), '/nodes/n/input', 'The name of a secret is a letter'],
  ])('in %s', (_, errors, pointer, sentence) => {
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`MR_DEF_EXPRESSION ${pointer} `);
    expect(errors[0]).toContain(sentence);
  });

  it('as the name of an item, which would hide it', () => {
    const body = { nodes: { a: task } };
    expect(errorsOf({ type: 'forEach', items: '${ input }', as: 'secrets', body })[0]).toContain('"secrets" cannot be the name of an item');
  });
});

describe('A credential that is written out', () => {
  const warningsOf = (headers: Json): readonly string[] => {
    const parsed = parseDefinition(nodeOf({ ...http, headers }), { version: 1 });
    return parsed.ok ? parsed.value.warnings.map(({ code, pointer }) => `${code} ${pointer}`) : ['errors'];
  };

  it('is warned of', () => {
    expect(warningsOf({ Authorization: 'Bearer abc', 'x-api-key': 'k', cookie: 'a=b', 'X-Trace': '1' })).toEqual([
      'MR_DEF_CREDENTIAL_IN_CLEAR /nodes/n/headers/Authorization',
      'MR_DEF_CREDENTIAL_IN_CLEAR /nodes/n/headers/x-api-key',
      'MR_DEF_CREDENTIAL_IN_CLEAR /nodes/n/headers/cookie',
    ]);
    expect(warningsOf({ authorization: 'Bearer ${ secrets.TOKEN }', 'x-api-key': '${ input.key }' })).toEqual([]);
  });
});
