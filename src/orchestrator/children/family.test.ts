/** Parents and children, by messages alone: what is lost, late, twice or stale changes nothing in what comes of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRunLimits } from '../../core/instance/index.ts';
import { numbers } from '../../core/instance/testing/arbitraries.ts';
import { Chance } from '../../core/instance/testing/chance.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { decideStart, refusalText } from '../../engine/start/decide-start.ts';
import { Family } from '../testing/family.ts';
import { definitionOf, memoryCodec } from '../testing/fixture.ts';

const { codec } = await memoryCodec();

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };
const leaf = { id: 'leaf', nodes: { n: work }, output: '${ nodes.n.output }', onFailure: 'fail' };
/** It undoes `n` when `m` fails, or it is cancelled. */
const undoneLeaf = {
  ...leaf,
  nodes: { n: { ...work, compensation: { type: 'task', task: 'undo' } }, m: work },
  edges: [{ from: 'n', to: 'm' }],
};
const child = { type: 'workflow', definition: 'leaf' };
const rootOf = (node: JsonObject = child, more: JsonObject = {}): Json => ({
  id: 'root',
  nodes: { n: node },
  output: '${ nodes.n.output }',
  ...more,
});

const begin = (root: Json, ...others: readonly Json[]) => new Family(codec, [root, leaf, ...others]).begin('root');
const MINUTE_MS = 60_000;
const types = (family: Family) => family.bag.map(({ notification }) => notification.type);
const leafOf = (family: Family) => {
  const [state] = family.of('leaf');
  if (state === undefined) throw new Error('there is no child');
  return state;
};

describe('A child', () => {
  it('starts, runs, and tells its parent how it ended', async () => {
    const family = await (await begin(rootOf())).applyAll();
    expect(leafOf(family)).toMatchObject({ phase: 'running', parent: { depth: 1, detached: false, number: 1 } });
    await family.works(leafOf(family).instanceId);
    await family.applyAll();
    expect(family.state()).toMatchObject({ phase: 'completed', output: 'done' });
    expect(family.tables.children.size).toBe(0);
  });

  it('that ends in its very start tells it at once', async () => {
    const quick = { id: 'quick', nodes: { n: { type: 'transform', output: '${ input }' } }, output: '${ nodes.n.output }' };
    const family = await begin(rootOf({ type: 'workflow', definition: 'quick', input: { a: 1 } }), quick);
    await family.applyAll();
    expect(family.state()).toMatchObject({ phase: 'completed', output: { a: 1 } });
  });

  it('starts once, however often its start comes, and to whichever process', async () => {
    const family = await begin(rootOf());
    const [start] = family.bag.splice(0);
    if (start === undefined) throw new Error('no start');
    await family.apply([start, start], 0);
    await family.apply([start], 1);
    expect(family.of('leaf')).toHaveLength(1);
    await family.works(leafOf(family).instanceId);
    await family.applyAll();
    await family.apply([start], 0);
    expect(types(family)).toEqual(['ChildEnd']);
    await family.applyAll();
    expect(family.state().phase).toBe('completed');
  });

  it.each([
    ['start', 1],
    ['end', 3],
  ])('heals a lost %s, since its parent asks after it', async (_, lostAfter) => {
    const family = await begin(rootOf());
    if (lostAfter === 3) {
      await family.applyAll();
      await family.works(leafOf(family).instanceId);
      await family.apply(family.bag.splice(0));
    }
    family.bag = [];
    await family.passes(4 * MINUTE_MS);
    expect(family.bag).toEqual([]);
    await family.passes(MINUTE_MS);
    expect(types(family)).toEqual(['ChildWord']);
    await family.rests();
    expect(family.state().phase).toBe('completed');
    expect(family.of('leaf')).toHaveLength(1);
  });

  it('heals a lost cancel, since its parent asks after it, each time after twice as long', async () => {
    const family = await (await begin(rootOf())).applyAll();
    await family.command(family.root, { type: 'cancel', reason: null });
    await family.apply(family.bag.splice(0));
    for (const minutes of [5, 10, 20]) {
      family.bag = [];
      await family.passes(minutes * MINUTE_MS - 1);
      expect(types(family)).toEqual([]);
      await family.passes(1);
      expect(types(family)).toEqual(['ChildWord']);
    }
    await family.applyAll();
    expect(leafOf(family).phase).toBe('cancelled');
    expect(family.tables.children.size).toBe(0);
  });

  it('is not paused again by a word that comes after the one that let it run', async () => {
    const family = await (await begin(rootOf())).applyAll();
    for (const type of ['pause', 'resume'] as const) await family.command(family.root, { type });
    const commands = family.bag.splice(0);
    for (const command of commands) await family.apply([command]);
    const [pause, resume] = family.bag.splice(0);
    if (pause === undefined || resume === undefined) throw new Error('two words');
    await family.apply([resume]);
    await family.apply([pause], 1);
    expect(leafOf(family)).toMatchObject({ phase: 'running', pausedByParent: null, parent: { number: 3 } });
  });

  it('whose cancel overtakes its start is there as cancelled, and never runs', async () => {
    const family = await begin(rootOf());
    const [start] = family.bag.splice(0);
    await family.command(family.root, { type: 'cancel', reason: null });
    await family.applyAll();
    expect(leafOf(family)).toMatchObject({ phase: 'cancelled', definitionVersion: 1 });
    if (start !== undefined) await family.apply([start]);
    expect(leafOf(family).phase).toBe('cancelled');
    await family.rests();
  });

  it('is born paused when its parent was paused meanwhile, and begins when that goes on', async () => {
    const family = await begin(rootOf());
    family.bag = [];
    await family.command(family.root, { type: 'pause' });
    await family.apply(family.bag.splice(0));
    // The word that comes first finds nobody, so the parent sends the start again, with its present wish.
    await family.applyAll();
    expect(leafOf(family)).toMatchObject({ phase: 'running', pausedByParent: { at: expect.any(Number) }, scopes: { '': { tasks: {} } } });
    await family.command(family.root, { type: 'resume' });
    await family.applyAll();
    expect(leafOf(family)).toMatchObject({ pausedByParent: null, scopes: { '': { openCount: 1 } } });
    await family.rests();
    expect(family.state().phase).toBe('completed');
  });

  it.each([
    ['no such definition', { type: 'workflow', definition: 'nowhere' }, 'MR_NOT_FOUND', 'There is no definition nowhere'],
    ['no such version', { ...child, definition: 'nowhere', version: 9 }, 'MR_NOT_FOUND', 'There is no version 9 of nowhere'],
    ['an input that does not fit', { type: 'workflow', definition: 'picky', input: { n: 'x' } }, 'MR_INPUT_INVALID', '/n'],
    ['vars that cannot be evaluated', { type: 'workflow', definition: 'bad', input: {} }, 'MR_EXPRESSION_FAILED', 'bad'],
  ])('whose start is refused (%s) is there as failed, with the reason', async (_, node, code, why) => {
    const picky = { id: 'picky', input: { type: 'object', properties: { n: { type: 'number' } } }, nodes: { n: work } };
    const bad = { id: 'bad', vars: { x: '${ input.missing.deeper }' }, nodes: { n: work } };
    const family = await (await begin(rootOf(node), picky, bad)).applyAll();
    const [refused] = family.states.filter(({ parent }) => parent !== undefined);
    expect(refused).toMatchObject({ phase: 'failed', error: { code } });
    const message = expect.stringMatching(new RegExp(`The child ${refused?.instanceId} of .*${why.replace('/', '.')}`));
    expect(family.state().scopes['' as never]).toMatchObject({ tasks: { n: { status: 'failed', error: { code, message } } } });
  });

  it('is refused in the words in which a trigger tells why its start was', async () => {
    const picky = { id: 'picky', input: { type: 'object', required: ['a'], properties: { n: { type: 'number' } } }, nodes: { n: work } };
    const family = await (await begin(rootOf({ type: 'workflow', definition: 'picky', input: { n: 'x' } }), picky)).applyAll();
    const outgoing = { ofEffects: () => [], partitionOf: () => 0 };
    const decided = decideStart({ outgoing, now: () => 0, limits: defaultRunLimits }, definitionOf(picky), {
      input: { n: 'x' },
      businessKey: null,
      by: 'trigger:t',
      cause: 'event:a/1',
    });
    if ('start' in decided) throw new Error('the start was not refused');
    const message =
      'The input does not fit the schema of the definition: the whole: The property "a" is missing. /n: This must be a number.';
    expect(refusalText(decided)).toBe(`MR_INPUT_INVALID: ${message}`);
    expect(family.of('picky')).toMatchObject([{ phase: 'failed', error: { code: 'MR_INPUT_INVALID', message } }]);
  });

  it('has a first task after which a worker can go on by itself, as any other instance', async () => {
    const two = { id: 'two', continuation: true, nodes: { a: work, b: work }, edges: [{ from: 'a', to: 'b' }] };
    const family = await (await begin(rootOf({ type: 'workflow', definition: 'two' }), two)).applyAll();
    const [task] = family.sent;
    const read = await codec.decode(task?.payload ?? Buffer.alloc(0), ['TaskScheduled']);
    if (!read.ok) throw new Error('no task was sent');
    expect(read.value).toMatchObject({ definitionId: 'two', continuation: { engine: expect.any(Number) } });
    expect(JSON.parse(read.value.continuation?.state ?? 'null')).toMatchObject({ instanceId: family.of('two')[0]?.instanceId });
  });

  it('of which nothing is known and whose id is old is gone, which fails its node', async () => {
    const family = await begin(rootOf());
    family.bag = [];
    await family.passes(15 * 24 * 60 * MINUTE_MS);
    await family.applyAll();
    expect(family.of('leaf')).toEqual([]);
    expect(family.state().scopes['' as never]).toMatchObject({ tasks: { n: { status: 'failed', error: { code: 'MR_CHILD_GONE' } } } });
    expect(family.tables.children.size).toBe(0);
  });

  it('that a person cancelled fails its node', async () => {
    const family = await (await begin(rootOf())).applyAll();
    await family.command(leafOf(family).instanceId, { type: 'cancel', reason: null });
    await family.applyAll();
    expect(family.state().scopes['' as never]).toMatchObject({ tasks: { n: { status: 'failed', error: { code: 'CHILD_CANCELLED' } } } });
  });

  it('that a person paused stays so when its parent goes on', async () => {
    const family = await (await begin(rootOf())).applyAll();
    const { instanceId } = leafOf(family);
    await family.command(instanceId, { type: 'pause' });
    await family.applyAll();
    for (const type of ['pause', 'resume'] as const) {
      await family.command(family.root, { type });
      await family.applyAll();
    }
    expect(leafOf(family)).toMatchObject({ paused: { by: 'ada' }, pausedByParent: null });
    await family.command(instanceId, { type: 'resume' });
    await family.applyAll();
    await family.works(instanceId);
    await family.applyAll();
    expect(family.state().phase).toBe('completed');
  });

  it('that is detached is told neither of pause nor of cancel, and leaves the books when it says that it has started', async () => {
    const family = await begin(rootOf({ ...child, detached: true }));
    expect(family.state()).toMatchObject({ phase: 'completed', output: { instanceId: expect.any(String) } });
    expect(family.tables.children.size).toBe(1);
    await family.applyAll();
    expect(family.tables.children.size).toBe(0);
    expect(leafOf(family).phase).toBe('running');
  });
});

describe('A tree', () => {
  const mid = { id: 'mid', nodes: { n: child }, output: '${ nodes.n.output }', onFailure: 'incident' };
  const tree = async () => await (await begin(rootOf({ type: 'workflow', definition: 'mid' }), mid)).applyAll();

  it('whose root undoes by a child waits for the end of that, heals what is lost of it, and goes on below when it is stuck', async () => {
    const undo = { id: 'undo', nodes: { n: work }, onFailure: 'incident' };
    const nodes = {
      a: { ...child, compensation: { type: 'workflow', definition: 'undo', input: '${ node.output }' } },
      z: { type: 'transform', output: '${ input.missing }' },
    };
    const family = await (await new Family(codec, [{ id: 'root', nodes, onFailure: 'compensate' }, leaf, undo]).begin('root')).applyAll();
    await family.works(leafOf(family).instanceId);
    await family.applyAll();
    await family.command(family.root, { type: 'cancel', reason: null });
    await family.apply(family.bag.splice(0));
    expect(family.state().phase).toBe('undoing');
    // The start of the child is lost: its parent asks after it.
    family.bag = [];
    await family.passes(5 * MINUTE_MS);
    await family.applyAll();
    const undoer = () => family.of('undo')[0] ?? family.state();
    expect(undoer()).toMatchObject({ phase: 'running', input: 'done', parent: { depth: 1 } });
    for (const [type, by] of [
      ['pause', { at: expect.any(Number) }],
      ['resume', null],
    ] as const) {
      await family.command(family.root, { type });
      await family.applyAll();
      expect(undoer().pausedByParent ?? null).toEqual(by);
    }
    const failed = { status: 'failed', error: { code: 'X', message: 'x' }, retryable: false, retryAfterMs: null } as const;
    await family.works(undoer().instanceId, failed);
    await family.applyAll();
    await family.command(family.root, { type: 'retry', path: null });
    await family.applyAll();
    expect(undoer()).toMatchObject({ incidentCount: 0, phase: 'running' });
    await family.works(undoer().instanceId);
    await family.applyAll();
    expect(family.state().phase).toBe('cancelled');
    expect(family.states).toHaveLength(3);
  });

  it('is paused, resumed and cancelled from its root down', async () => {
    const family = await tree();
    const order = async (type: 'pause' | 'resume') => {
      await family.command(family.root, { type });
      await family.applyAll();
    };
    await order('pause');
    expect(family.states.filter(({ paused, pausedByParent = null }) => paused ?? pausedByParent)).toHaveLength(3);
    await order('resume');
    expect(family.states.filter(({ paused, pausedByParent = null }) => paused ?? pausedByParent)).toHaveLength(0);
    await family.command(family.root, { type: 'cancel', reason: null });
    await family.applyAll();
    expect(family.states.map(({ phase }) => phase)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(family.tables.children.size).toBe(0);
  });

  it('ends from its leaves up: an instance tells its end when nothing below it runs any more', async () => {
    const family = await tree();
    await family.command(family.root, { type: 'cancel', reason: null });
    // The command, and the word to the one in the middle.
    for (const _ of ['root', 'mid']) await family.apply(family.bag.splice(0));
    expect(family.of('mid')[0]).toMatchObject({ phase: 'cancelled', childCount: 1 });
    expect(types(family)).toEqual(['ChildWord']);
    await family.apply(family.bag.splice(0));
    expect(types(family)).toEqual(['ChildEnd']);
    await family.rests();
  });

  it('is retried from its root: it goes on at the leaf that failed', async () => {
    const incident = { ...leaf, id: 'stuck', onFailure: 'incident' };
    const over = { ...mid, nodes: { n: { type: 'workflow', definition: 'stuck' } } };
    const family = await (await begin(rootOf({ type: 'workflow', definition: 'mid' }), over, incident)).applyAll();
    const stuck = () => family.of('stuck')[0] ?? family.state();
    const failed = { status: 'failed', error: { code: 'X', message: 'x' }, retryable: false, retryAfterMs: null } as const;
    await family.works(stuck().instanceId, failed);
    await family.applyAll();
    expect(stuck().incidentCount).toBe(1);
    await family.command(family.root, { type: 'retry', path: null });
    await family.applyAll();
    expect(stuck()).toMatchObject({ incidentCount: 0, phase: 'running' });
    await family.works(stuck().instanceId);
    await family.applyAll();
    expect(family.state().phase).toBe('completed');
    expect(family.states).toHaveLength(3);
  });

  it('is retried while the start of a child is lost: the retry is dropped, and the child starts when it is asked after', async () => {
    const family = await begin(rootOf());
    family.bag = [];
    await family.command(family.root, { type: 'retry', path: null });
    await family.applyAll();
    expect(family.unprocessable).toEqual([]);
    expect(family.of('leaf')).toEqual([]);
    await family.rests();
    expect(family.state().phase).toBe('completed');
  });

  it('is no deeper than sixteen children of children', async () => {
    const endless = {
      id: 'root',
      nodes: { go: { type: 'transform', output: 1 }, n: { type: 'workflow', definition: 'root' } },
      edges: [
        { from: 'go', to: 'n', when: 'nodes.go.output == 1' },
        { from: 'go', to: null, otherwise: true },
      ],
      onFailure: 'fail',
    };
    const family = await (await begin(endless)).applyAll();
    expect(family.states).toHaveLength(17);
    expect(family.state()).toMatchObject({ phase: 'failed', error: { code: 'MR_CHILD_TOO_DEEP' } });
  });
});

const kinds = fc.record({
  rootFails: fc.constantFrom<JsonObject>({}, { onFailure: 'fail' }, { onFailure: 'compensate' }),
  leafFails: fc.constantFrom('fail', 'incident', 'compensate'),
  midFails: fc.constantFrom('fail', 'incident'),
  items: fc.constantFrom<JsonObject>(
    {},
    { onItemFailure: 'fail' },
    { onItemFailure: 'continue' },
    { onItemFailure: { maxFailures: 1 }, atLeast: 2 },
  ),
  concurrency: fc.constantFrom(1, 2, 3),
  timeout: fc.constantFrom<JsonObject>({}, { timeout: '1h' }),
  undoing: fc.constantFrom<JsonObject>({ type: 'task', task: 'undo' }, child, { ...child, timeout: '1h' }),
});

it('every tree comes to rest, whatever is lost, late, twice or stale on the way', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(kinds, numbers(20, 250), async ({ rootFails, leafFails, midFails, items, concurrency, timeout, undoing }, chances) => {
      const each = {
        type: 'forEach',
        items: [1, 2, 3],
        concurrency,
        workflow: { definition: 'leaf', input: '${ item }', ...timeout },
        ...items,
      };
      const undo = rootFails.onFailure === 'compensate' ? { compensation: { ...undoing, input: '${ node.output }' } } : {};
      const root = {
        id: 'root',
        ...rootFails,
        nodes: {
          a: { type: 'workflow', definition: 'mid', ...timeout, ...undo },
          b: { ...child, ...timeout, ...undo },
          c: { ...child, detached: true },
          either: { type: 'transform', output: 1, join: 'any', cancelRest: true },
        },
        edges: [
          { from: 'a', to: 'either' },
          { from: 'b', to: 'either' },
        ],
      };
      const leafs = leafFails === 'compensate' ? undoneLeaf : leaf;
      const family = new Family(codec, [root, { id: 'mid', nodes: { each }, onFailure: midFails }, { ...leafs, onFailure: leafFails }]);
      await family.begin('root');
      const chance = new Chance(chances);
      while (!chance.isUsedUp) await family.act(chance);
      await family.rests();
    }),
    { numRuns: Number(process.env.MILLRACE_TEST_TREES ?? 40) },
  );
});
