import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { approval, instant, waiting, withApproval } from '../testing/definitions.ts';
import { type Body, expectProblem, openTestApi } from '../testing/test-api.ts';

describe('Deploying', () => {
  it('makes the queues and tells the event types before it answers', async () => {
    const api = await openTestApi();
    const first = await api.ask('POST', '/v1/definitions', approval);
    expect(first).toMatchObject({ status: 201, body: { id: 'approval', version: 1, created: true, runningByVersion: [] } });
    expect(api.madeQueues).toEqual(['special']);
    await api.deploy(waiting);
    expect([...api.engine.eventTypes]).toEqual(['payment.confirmed']);
  });

  it('gives the same content the same version, whatever the order of its members', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    const { id, ...rest } = approval;
    expect(await api.ask('POST', '/v1/definitions', { ...rest, id })).toMatchObject({ status: 200, body: { version: 1, created: false } });
  });

  it('says what runs on which version', async () => {
    const api = await withApproval();
    await api.start('approval', { input: { amount: 1 } });
    const changed = await api.ask('POST', '/v1/definitions', { ...approval, output: { done: false } });
    expect(changed).toMatchObject({ status: 201, body: { version: 2, runningByVersion: [{ version: 1, running: 2 }] } });
    const started = await api.ask('POST', '/v1/definitions/approval/instances', { input: { amount: 1 } });
    expect(started.body).toMatchObject({ definition: { id: 'approval', version: 2 } });
    const older = await api.ask('POST', '/v1/definitions/approval/instances', { input: { amount: 1 }, version: 1 });
    expect(older.body).toMatchObject({ definition: { version: 1 } });
  });

  it('reports all errors at once with their places, and deploys nothing', async () => {
    const api = await openTestApi();
    const faulty = { id: 'f', nodse: {}, nodes: { a: { type: 'transform' }, b: { type: 'nothing' } }, edges: [{ from: 'a', to: 'c' }] };
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', faulty), 422, 'MR_DEFINITION_INVALID');
    const pointers = (problem.errors as { pointer: string; code: string }[]).map(({ pointer }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/nodse', '/nodes/b/type', '/edges/0/to']));
    const checked = await api.ask('POST', '/v1/definitions/validate', faulty);
    expect(checked).toMatchObject({ status: 200, body: { valid: false, errors: problem.errors, errorCount: problem.errorCount } });
    expectProblem(await api.ask('GET', '/v1/definitions/f'), 404, 'MR_NOT_FOUND');
  });

  it('names the first 100 of many errors, and how many there are, alike by deploy and by validate', async () => {
    const api = await openTestApi();
    const nodes = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`n${index}`, { type: 'nothing' }]));
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', { id: 'f', nodes, edges: [] }), 422, 'MR_DEFINITION_INVALID');
    expect(problem).toMatchObject({ errorCount: 150, detail: 'The definition has 150 errors.' });
    expect(problem.errors).toHaveLength(100);
    const checked = await api.ask('POST', '/v1/definitions/validate', { id: 'f', nodes, edges: [] });
    expect(checked.body).toEqual({ valid: false, errors: problem.errors, errorCount: 150, warnings: [] });
  });

  it('warns of credentials that are written out, and deploys them all the same', async () => {
    const api = await openTestApi();
    const ask = { type: 'http', method: 'GET', url: 'https://a.example/', headers: { authorization: 'Bearer abc' } };
    const warnings = [{ pointer: '/nodes/ask/headers/authorization', code: 'MR_DEF_CREDENTIAL_IN_CLEAR', message: expect.any(String) }];
    const document = { id: 'w', nodes: { ask } };
    expect(await api.ask('POST', '/v1/definitions/validate', document)).toMatchObject({ status: 200, body: { valid: true, warnings } });
    expect(await api.ask('POST', '/v1/definitions', document)).toMatchObject({ status: 201, body: { version: 1, warnings } });
  });

  it('refuses a version that refuses what callers send, unless it is told to break them', async () => {
    const api = await openTestApi();
    const version = (input: JsonObject | null): JsonObject => ({
      id: 'typed',
      ...(input === null ? {} : { input }),
      nodes: { a: { type: 'transform', output: 1 } },
    });
    const first = version({ type: 'object', properties: { a: { type: 'number' } } });
    const stricter = version({ type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] });
    await api.deploy(first);
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', stricter), 409, 'MR_DEFINITION_BREAKING');
    expect(problem.errors).toEqual([
      { pointer: '/input/required', code: 'MR_DEFINITION_BREAKING', message: 'The property "a" is required now.' },
      { pointer: '/input/properties/a/type', code: 'MR_DEFINITION_BREAKING', message: 'A value of type number is refused now.' },
    ]);
    expect(await api.ask('POST', '/v1/definitions', version(null))).toMatchObject({ status: 201, body: { version: 2 } });
    expect(await api.ask('POST', '/v1/definitions?allowBreaking=true', stricter)).toMatchObject({ status: 201, body: { version: 3 } });
    // A version that is there already breaks nobody.
    expect(await api.ask('POST', '/v1/definitions', stricter)).toMatchObject({ status: 200, body: { version: 3, created: false } });
  });

  describe('with children', () => {
    const step = { type: 'transform', output: 1 };
    const ship = (more: JsonObject = {}): JsonObject => ({
      ...{ id: 'ship', nodes: { a: step }, output: { parcel: 'p', weight: 1 } },
      input: { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] },
      ...more,
    });
    const order = (input: JsonObject, more: JsonObject = {}): JsonObject => ({
      id: 'order',
      nodes: { ship: { type: 'workflow', definition: 'ship', input, ...more }, tell: { ...step, output: '${ nodes.ship.output.weight }' } },
      edges: [{ from: 'ship', to: 'tell' }],
    });

    it('refuses a node that does not fit its child, by deploy and by validate', async () => {
      const api = await openTestApi();
      await api.deploy(ship());
      await api.deploy(ship({ output: { parcel: 'p' }, input: true }));
      const errors = [
        {
          pointer: '/nodes/tell/output',
          code: 'MR_DEF_UNKNOWN_MEMBER',
          message: '"nodes.ship.output" has no member "weight"; it has only parcel.',
        },
      ];
      const problem = expectProblem(await api.ask('POST', '/v1/definitions', order({})), 422, 'MR_DEFINITION_INVALID');
      expect(problem.errors).toEqual(errors);
      expect((await api.ask('POST', '/v1/definitions/validate', order({}))).body).toMatchObject({ valid: false, errors });
      // The version that it names has the member, and takes other input.
      const pinned = expectProblem(
        await api.ask('POST', '/v1/definitions', order({ sku: 1 }, { version: 1 })),
        422,
        'MR_DEFINITION_INVALID',
      );
      expect(pinned.errors).toEqual([
        {
          pointer: '/nodes/ship/input/sku',
          code: 'MR_DEF_TYPE',
          message: 'This does not fit the input of "ship" (version 1). This must be a string.',
        },
      ]);
      await api.deploy(order({ sku: 'a' }, { version: 1 }));
    });

    it('refuses a version of the child that its callers do not fit, and names them', async () => {
      const api = await openTestApi();
      await api.deploy(ship());
      await api.deploy(order({ sku: 'a' }));
      const without = ship({ output: { parcel: 'p' } });
      const problem = expectProblem(await api.ask('POST', '/v1/definitions', without), 409, 'MR_DEFINITION_BREAKING');
      expect(problem).toMatchObject({
        detail:
          'The new version breaks definitions that run it as a child: keep what they send and read, or deploy with "allowBreaking" once the callers have changed.',
        errors: [
          {
            pointer: '/output',
            code: 'MR_DEFINITION_BREAKING',
            message:
              'The definition order (version 1) would break at /nodes/tell/output: "nodes.ship.output" has no member "weight"; it has only parcel.',
          },
        ],
      });
      const stricter = ship({ input: { type: 'object', properties: { sku: { type: 'string' }, to: {} }, required: ['sku', 'to'] } });
      const refused = expectProblem(await api.ask('POST', '/v1/definitions', stricter), 409, 'MR_DEFINITION_BREAKING');
      expect(refused.errors).toEqual([
        { pointer: '/input/required', code: 'MR_DEFINITION_BREAKING', message: 'The property "to" is required now.' },
        {
          pointer: '/input',
          code: 'MR_DEFINITION_BREAKING',
          message:
            'The definition order (version 1) would break at /nodes/ship/input: This does not fit the input of "ship" (version 2). The property "to" is missing.',
        },
      ]);
      expect(await api.ask('POST', '/v1/definitions?allowBreaking=true', without)).toMatchObject({ status: 201, body: { version: 2 } });
      // It is broken already, so another version breaks nothing more.
      await api.deploy({ ...without, title: 'Ships' });
    });

    it('deploys a version that only a pinned, an older or a wrong caller does not fit', async () => {
      const api = await openTestApi();
      await api.deploy(ship());
      await api.deploy(order({ sku: 'a' }));
      await api.deploy(order({ sku: 'a' }, { version: 1 }));
      await api.deploy({ id: 'names', nodes: { a: { ...step, output: { definition: 'ship', input: 1 } } } });
      await api.deploy(ship({ output: null }));
    });
  });

  it('refuses topics that are not listed, and definitions that are too large', async () => {
    const api = await openTestApi();
    const publish = { id: 'p', nodes: { out: { type: 'publish', event: 'e', key: 'k', data: {}, topic: 'other' } } };
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', publish), 422, 'MR_DEFINITION_INVALID');
    expect(problem.errors).toMatchObject([{ pointer: '/nodes/out/topic', code: 'MR_DEF_TOPIC_NOT_ALLOWED' }]);
    const large = { ...instant, output: 'x'.repeat(40_000) };
    expectProblem(await api.ask('POST', '/v1/definitions', large), 413, 'MR_DEFINITION_TOO_LARGE');
  });

  it('can be read back: the list in pages, the latest with all versions, one version', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    await api.deploy({ ...approval, output: null });
    const words = { title: 'At once', description: 'Ends where it begins', labels: { team: 'core' } };
    await api.deploy({ ...instant, ...words });
    const first = (await api.ask('GET', '/v1/definitions?limit=1')).body as Body;
    expect(first).toMatchObject({ items: [{ id: 'approval', latestVersion: 2, title: null, labels: {} }], nextCursor: expect.any(String) });
    const second = await api.ask('GET', `/v1/definitions?limit=1&cursor=${String(first.nextCursor)}`);
    expect(second.body).toMatchObject({ items: [{ id: 'instant', ...words }], nextCursor: null });
    expect((await api.ask('GET', '/v1/definitions/approval')).body).toMatchObject({
      version: 2,
      // The latest first, as both stores give them.
      versions: [{ version: 2 }, { version: 1 }],
    });
    expect((await api.ask('GET', '/v1/definitions/approval/versions/1')).body).toMatchObject({ version: 1, document: approval });
    for (const version of ['3', '0', '01', 'x', '99999999999'])
      expectProblem(await api.ask('GET', `/v1/definitions/approval/versions/${version}`), 404, 'MR_NOT_FOUND');
  });
});
