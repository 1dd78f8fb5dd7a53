/** A deploy stores a version only when all that its instances need is there (docs/decisions/0007), and allowed. */
import { describe, expect, it, vi } from 'vitest';
import type { DefinitionError } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { Json } from '../core/json.ts';
import { expectProblem, openTestApi } from './testing/test-api.ts';

const definition = {
  id: 'both',
  nodes: {
    pay: { type: 'task', task: 'pay', queue: 'special' },
    paid: { type: 'event', event: 'payment.confirmed', key: '${ instance.id }' },
  },
};
const triggered = {
  id: 'triggered',
  nodes: { a: { type: 'transform', output: 1 } },
  triggers: [{ name: 'paid', event: 'payment.confirmed' }],
};
const away = new MillraceError('MR_KAFKA_UNAVAILABLE', 'away', { retryable: true });

describe('A deploy', () => {
  it('makes the queues ready, then the event types, then stores the version', async () => {
    const steps: string[] = [];
    const { ask, engine } = await openTestApi({ ensureQueues: async (queues) => void steps.push(`queues ${queues.join()}`) });
    const register = engine.instances.registerEventTypes;
    engine.instances.registerEventTypes = async (types) => {
      steps.push(`types ${[...types].join()}`);
      await register(types);
    };
    const store = engine.definitions.deploy;
    engine.definitions.deploy = async (...version) => {
      steps.push('version');
      return await store(...version);
    };
    expect((await ask('POST', '/v1/definitions', definition)).status).toBe(201);
    expect(steps).toEqual(['queues special', 'types payment.confirmed', 'version']);
  });

  it('whose queues cannot be made is answered 503, and stores no version until it is repeated', async () => {
    const ensureQueues = vi.fn<() => Promise<void>>().mockRejectedValueOnce(away).mockResolvedValue();
    const { ask, engine } = await openTestApi({ ensureQueues });
    const failed = await ask('POST', '/v1/definitions', definition);
    expectProblem(failed, 503, 'MR_KAFKA_UNAVAILABLE');
    expect(failed.headers['retry-after']).toBe('5');
    expectProblem(await ask('GET', '/v1/definitions/both'), 404, 'MR_NOT_FOUND');
    expect([...engine.eventTypes]).toEqual([]);
    expect(await ask('POST', '/v1/definitions', definition)).toMatchObject({ status: 201, body: { version: 1, created: true } });
  });

  it('whose event types cannot be told is answered 503, and stores no version', async () => {
    const { ask, engine } = await openTestApi();
    engine.instances.registerEventTypes = () => Promise.reject(new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true }));
    expectProblem(await ask('POST', '/v1/definitions', definition), 503, 'MR_DATABASE_UNAVAILABLE');
    expectProblem(await ask('GET', '/v1/definitions/both'), 404, 'MR_NOT_FOUND');
  });

  it('tells its triggers after the version, and before it answers', async () => {
    const steps: string[] = [];
    const { ask, engine } = await openTestApi();
    const [store, tell] = [engine.definitions.deploy, engine.instances.deployTriggers];
    engine.definitions.deploy = async (...version) => {
      steps.push('version');
      return await store(...version);
    };
    engine.instances.deployTriggers = async (triggers) => {
      await new Promise((resolve) => setImmediate(resolve));
      await tell(triggers);
      steps.push(`triggers of version ${triggers.version}`);
    };
    await ask('POST', '/v1/definitions', triggered);
    steps.push('answer');
    expect(steps).toEqual(['version', 'triggers of version 1', 'answer']);
  });

  it('whose triggers cannot be told is answered 503; its version stands, and a repeat tells them', async () => {
    const { ask, engine } = await openTestApi();
    const tell = engine.instances.deployTriggers;
    const unavailable = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
    engine.instances.deployTriggers = vi.fn<typeof tell>().mockRejectedValueOnce(unavailable).mockImplementation(tell);
    expectProblem(await ask('POST', '/v1/definitions', triggered), 503, 'MR_DATABASE_UNAVAILABLE');
    expect(await ask('GET', '/v1/definitions/triggered')).toMatchObject({ status: 200, body: { version: 1 } });
    expectProblem(await ask('GET', '/v1/definitions/triggered/triggers'), 404, 'MR_NOT_FOUND');
    expect(await ask('POST', '/v1/definitions', triggered)).toMatchObject({ body: { version: 1, created: false } });
    expect(await ask('GET', '/v1/definitions/triggered/triggers')).toMatchObject({ body: { triggers: [{ name: 'paid' }] } });
  });

  it('names each place where a child is not deployed or a topic is not allowed, those of compensations too', async () => {
    const { ask } = await openTestApi();
    const pay = { type: 'task', task: 'pay' };
    const undoing = (compensation: Json) => ({ ...pay, compensation });
    const body = { nodes: { one: undoing({ type: 'workflow', definition: 'nowhere', version: 7 }) } };
    const refused = await ask('POST', '/v1/definitions', {
      id: 'p',
      nodes: {
        child: undoing({ type: 'workflow', definition: 'nowhere' }),
        told: undoing({ type: 'publish', event: 'e', key: 'k', topic: 'other' }),
        each: { type: 'forEach', items: [1], body },
        wide: { type: 'forEach', items: [1], workflow: { definition: 'nowhere' } },
      },
      onFailure: 'compensate',
    });
    const { errors } = expectProblem(refused, 422, 'MR_DEFINITION_INVALID');
    expect((errors as readonly DefinitionError[]).map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
      'MR_DEF_TOPIC_NOT_ALLOWED /nodes/told/compensation/topic',
      'MR_DEF_UNKNOWN_DEFINITION /nodes/child/compensation/definition',
      'MR_DEF_UNKNOWN_DEFINITION /nodes/each/body/nodes/one/compensation/version',
      'MR_DEF_UNKNOWN_DEFINITION /nodes/wide/workflow/definition',
    ]);
  });

  it('may publish to the topics that the configuration lists, and to no other', async () => {
    const { ask } = await openTestApi();
    const publishingTo = (topic: string) => ({ id: 'p', nodes: { out: { type: 'publish', event: 'e', key: 'k', topic } } });
    expect((await ask('POST', '/v1/definitions/validate', publishingTo('allowed'))).body).toEqual({
      valid: true,
      errors: [],
      errorCount: 0,
      warnings: [],
    });
    expect(await ask('POST', '/v1/definitions', publishingTo('allowed'))).toMatchObject({ status: 201, body: { id: 'p', version: 1 } });
    const refused = expectProblem(await ask('POST', '/v1/definitions', publishingTo('other')), 422, 'MR_DEFINITION_INVALID');
    expect(refused.errors).toMatchObject([{ pointer: '/nodes/out/topic', code: 'MR_DEF_TOPIC_NOT_ALLOWED' }]);
    expect((await ask('GET', '/v1/definitions/p')).body).toMatchObject({ version: 1, versions: [{ version: 1 }] });
  });
});
