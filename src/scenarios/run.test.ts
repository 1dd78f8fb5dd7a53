/** Running scenarios, and the messages when something is not as expected. */
import { describe, expect, it } from 'vitest';
import { graphOf, nodeOf, parsed } from '../core/definition/testing/documents.ts';
import type { JsonObject } from '../core/json.ts';
import { CoverageCounter } from './coverage.ts';
import type { Scenario } from './format.ts';
import { runScenario } from './run.ts';
import { failuresOf, passes } from './testing/passing.ts';

const work: JsonObject = { type: 'task', task: 'work' };
const completed: JsonObject = { status: 'completed' };

describe('Work', () => {
  it('ends as the mock of its attempt says, and the last one holds for all that follow', () => {
    const document = nodeOf({ ...work, retry: { maxAttempts: 5 } }, { output: '${ nodes.n.output }' });
    passes(document, { mocks: { n: [{ fails: { code: 'BUSY' } }, { output: 7 }] }, expect: { output: 7, nodes: { n: { attempt: 2 } } } });
    passes(document, {
      mocks: { n: [{ fails: { code: 'BUSY' } }] },
      expect: { status: 'incident', incidents: { n: 'BUSY' }, nodes: { n: { attempt: 5, status: 'failed', error: 'BUSY' } } },
    });
  });

  it('is not tried again when the mock says that it cannot get better', () => {
    passes(nodeOf(work), { mocks: { n: [{ fails: { code: 'NO', retryable: false } }] }, expect: { nodes: { n: { attempt: 1 } } } });
  });

  it('times out when its timeout has passed, in the middle of what else is due', () => {
    const document = graphOf({ n: { ...work, timeout: '10s', retry: { maxAttempts: 1 } }, pause: { type: 'wait', for: '5s' } });
    passes(document, {
      mocks: { n: [{ timesOut: true }] },
      expect: { history: ['TaskCompleted pause', 'TaskFailed n'], incidents: { n: 'TIMEOUT' } },
    });
  });

  it('that is lost comes to its queue timeout', () => {
    const document = nodeOf({ ...work, timeout: '10s', queueTimeout: '1m', retry: { maxAttempts: 1 } });
    const steps = [{ expect: { open: ['n'] } }, { advance: '59s' }, { expect: { open: ['n'] } }, { advance: '1s' }];
    passes(document, { mocks: { n: [{ never: true }] }, steps, expect: { status: 'incident', nodes: { n: { status: 'timedOut' } } } });
  });

  it('of a child that undoes is mocked as that of any other child', () => {
    const undo = { type: 'workflow', definition: 'refund', input: '${ node.output }' };
    const edges = [{ from: 'a', to: 'n' }];
    passes(graphOf({ a: { ...work, compensation: undo }, n: work }, edges, { onFailure: 'compensate' }), {
      mocks: {
        a: [{ output: 'paid' }],
        n: [{ fails: { code: 'X', retryable: false } }],
        'a.compensation': [{ fails: { code: 'Y' } }, { output: 1, after: '1h' }],
      },
      steps: [
        {
          expect: {
            status: 'incident',
            incidents: { 'a.compensation': 'Y' },
            nodes: { 'a.compensation': { status: 'failed', input: 'paid' } },
          },
        },
        { command: { type: 'retry' } },
      ],
      expect: { status: 'failed', nodes: { 'a.compensation': { status: 'completed', attempt: 2, output: 1 } } },
    });
  });

  it('of a compensation is mocked by the name of its node, whatever undoes it', () => {
    const undo = { type: 'task', task: 'undo', input: '${ node.output }' };
    const ask = { type: 'human', title: 'Look', assignees: { users: ['ada'] }, compensation: undo };
    const loop = { type: 'forEach', items: ['a'], body: { nodes: { ship: { ...work, compensation: undo } } } };
    const edges = [
      { from: 'ask', to: 'n' },
      { from: 'loop', to: 'n' },
    ];
    passes(graphOf({ ask, loop, n: work }, edges, { onFailure: 'compensate' }), {
      mocks: {
        'loop/ship': [{ output: 's' }],
        n: [{ fails: { code: 'NO', retryable: false } }],
        'loop/ship.compensation': [{ output: 1 }],
        'ask.compensation': [{ output: 2, after: '1h' }],
      },
      clock: 'manual',
      steps: [
        { complete: { task: 'ask', output: { ok: true } } },
        { expect: { status: 'undoing', open: ['ask.compensation'], nodes: { 'ask.compensation': { input: { ok: true } } } } },
        { advance: '1h' },
      ],
      expect: { status: 'failed', error: 'NO', nodes: { 'loop.0.ship.compensation': { input: 's', output: 1 } } },
    });
  });

  it('of children is mocked too: they complete, fail, or are cancelled with what asked for them', () => {
    const child = { type: 'workflow', definition: 'ship', input: { n: 1 } };
    const document = graphOf({ n: child, late: { ...child, timeout: '1h' }, end: { type: 'transform', output: 1 } }, [
      { from: 'late', to: 'end', on: 'timedOut' },
    ]);
    passes(document, {
      mocks: { n: [{ fails: { code: 'SOLD_OUT' } }, { output: 7, after: '1m' }], late: [{ never: true }] },
      steps: [
        { expect: { status: 'incident', incidents: { n: 'SOLD_OUT' } } },
        { command: { type: 'retry' } },
        { expect: { open: ['late'], nodes: { n: { attempt: 2, input: { n: 1 }, output: 7 } } } },
        { advance: '1h' },
      ],
      expect: { status: 'completed', nodes: { late: { status: 'timedOut' } } },
    });
    const each = { type: 'forEach', items: [1, 2], workflow: { definition: 'ship', input: '${ item }' } };
    passes(nodeOf(each, { output: '${ nodes.n.output }' }), {
      mocks: { 'n/workflow': [{ output: 'a' }], 'n.1.workflow': [{ output: 'b' }] },
      expect: { output: ['a', 'b'] },
    });
    expect(failuresOf(nodeOf(child), { expect: { status: 'completed' } })).toMatchObject({
      '/mocks': '"n" waits for the end of its child, but no mock gives one: add it to "mocks".',
    });
  });

  it('of one item is mocked by its path, of all others by the node', () => {
    const body = { nodes: { ship: work }, output: '${ nodes.ship.output }' };
    passes(nodeOf({ type: 'forEach', items: ['a', 'b', 'c'], body }, { output: '${ nodes.n.output }' }), {
      mocks: { 'n/ship': [{ output: 0 }], 'n.1.ship': [{ output: 1 }] },
      expect: { output: [0, 1, 0], nodes: { 'n.1.ship': { status: 'completed', output: 1 } } },
    });
  });

  it('of an http node is answered as a server would', () => {
    const document = nodeOf({ type: 'http', method: 'POST', url: 'https://a.example/x' }, { output: '${ nodes.n.output.body }' });
    passes(document, {
      mocks: { n: [{ answers: { status: 503 } }, { answers: { status: 200, body: { a: 1 } } }] },
      expect: { output: { a: 1 } },
    });
    passes(document, {
      mocks: { n: [{ answers: { status: 404 } }] },
      expect: { incidents: { n: 'HTTP_404' }, nodes: { n: { attempt: 1 } } },
    });
    passes(document, { mocks: { n: [{ answers: { status: 409 } }] }, expect: { nodes: { n: { attempt: 1 } } } });
  });

  it('that no mock answers is named when something else than it was expected', () => {
    expect(failuresOf(nodeOf(work), { expect: completed })).toEqual({
      '/expect/status': 'Expected the status of the instance to be "completed", but it is "running".',
      '/mocks': '"n" waits for an outcome, but no mock gives one: add it to "mocks".',
    });
  });
});

describe('The clock', () => {
  const waits = nodeOf({ type: 'wait', for: '2d' });

  it('stands still while the instance waits for time alone, and jumps when a step says so', () => {
    passes(waits, {
      steps: [{ expect: { open: ['n'] } }, { advance: '47h' }, { expect: { open: ['n'] } }, { advance: '1h' }],
      expect: completed,
    });
  });

  it('jumps to a time', () => {
    passes(nodeOf({ type: 'wait', until: '2026-03-29T02:00:00+01:00' }), {
      startAt: '2026-03-28T00:00:00Z',
      steps: [{ advanceTo: '2026-03-29T00:59:59Z' }, { expect: { open: ['n'] } }, { advanceTo: '2026-03-29T01:00:00Z' }],
      expect: completed,
    });
  });

  it('is moved by steps alone when it is manual', () => {
    const mocks = { n: [{ fails: { code: 'BUSY' } }, { output: 1, after: '10s' }] };
    const steps = [
      { expect: { nodes: { n: { status: 'retrying' } } } },
      { advance: '2s' },
      { expect: { nodes: { n: { status: 'scheduled' } } } },
    ];
    passes(nodeOf(work), { clock: 'manual', mocks, steps: [...steps, { advance: '10s' }], expect: completed });
  });

  it('is what expressions see as now', () => {
    passes(
      graphOf({ a: { type: 'wait', for: '1h' }, b: { type: 'transform', output: '${ now }' } }, ['a>b'], { output: '${ nodes.b.output }' }),
      {
        startAt: '2026-05-01T10:00:00+02:00',
        steps: [{ advance: '3h' }],
        expect: { output: '2026-05-01T09:00:00.000Z' },
      },
    );
  });

  it('stands still during a pause, and what is left of a timer counts from the resume on', () => {
    const pause = [{ command: { type: 'pause' } }, { advance: '9d' }, { command: { type: 'resume' } }];
    passes(waits, { steps: [{ advance: '1d' }, ...pause, { expect: { open: ['n'] } }, { advance: '1d' }], expect: completed });
  });
});

describe('Events', () => {
  const paid = (more: JsonObject = {}): JsonObject => ({ type: 'event', event: 'paid', key: 'k', ...more });
  const event = (more: JsonObject = {}): JsonObject => ({ event: { type: 'paid', key: 'k', ...more } });

  it('are kept for an hour for a wait that opens later, and used up by it', () => {
    const document = graphOf({ a: { type: 'wait', for: '30m' }, b: paid(), c: paid() }, ['a>b', 'b>c']);
    passes(document, { steps: [event(), { advance: '30m' }], expect: { open: ['c'] } });
    passes(document, { steps: [event(), { expect: { open: ['a'] } }, { advance: '2h' }], expect: { open: ['c'] } });
    const late = graphOf({ a: { type: 'wait', for: '61m' }, b: paid() }, ['a>b']);
    passes(late, { steps: [event(), { advance: '61m' }], expect: { open: ['b'] } });
  });

  it('go to the oldest of the waits that they fit, once', () => {
    const document = graphOf({ a: paid({ where: 'event.data > 1' }), b: paid() });
    passes(document, { steps: [event({ data: 1 })], expect: { open: ['a'] } });
    passes(document, { steps: [event({ data: 2, id: 'e' }), event({ data: 2, id: 'e' })], expect: { open: ['b'] } });
  });

  it('are counted', () => {
    const document = nodeOf(paid({ count: 2 }), { output: '${ nodes.n.output.map(e, e.data) }' });
    passes(document, { steps: [event({ data: 1 }), { expect: { open: ['n'] } }, event({ data: 2 })], expect: { output: [1, 2] } });
  });

  it('that the instance publishes reach its own waits', () => {
    const document = graphOf({ a: { type: 'publish', event: 'paid', key: 'k', data: 1 }, b: paid() });
    passes(document, { expect: { status: 'completed', published: [{ event: 'paid', key: 'k', data: 1 }] } });
  });
});

describe('People', () => {
  const document = nodeOf({ type: 'human', title: 'Sign', assignees: { users: ['ada'] }, form: { type: 'object', required: ['ok'] } });

  it('complete and fail tasks, within the form and while they are open', () => {
    const complete = (more: JsonObject): JsonObject => ({ complete: { task: 'n', ...more } });
    passes(document, {
      steps: [
        complete({ refused: 'MR_FORM_INVALID' }),
        complete({ output: { ok: 1 } }),
        complete({ output: { ok: 1 }, refused: 'MR_INSTANCE_ENDED' }),
      ],
      expect: { nodes: { n: { title: 'Sign', assignees: { users: ['ada'] }, output: { ok: 1 } } } },
    });
    passes(document, { steps: [{ fail: { task: 'n', code: 'ILL' } }], expect: { incidents: { n: 'ILL' } } });
  });

  it('are told when they were refused, and when they were not', () => {
    expect(failuresOf(document, { steps: [{ complete: { task: 'n' } }], expect: { open: ['n'] } })).toEqual({
      '/steps/0':
        'The command was expected to be applied, but was refused with MR_FORM_INVALID: The output does not fit the form: /: The property "ok" is missing.',
    });
    expect(failuresOf(document, { steps: [{ command: { type: 'pause', refused: 'MR_PAUSED' } }] })).toEqual({
      '/steps/0': 'The command was expected to be refused with MR_PAUSED, but was applied.',
    });
  });
});

describe('A start', () => {
  it('that the input schema refuses is expected by its code', () => {
    const document = nodeOf(work, { input: { type: 'object', required: ['a'] } });
    passes(document, { startRefused: 'MR_INPUT_INVALID' });
    expect(failuresOf(document, { expect: completed })).toEqual({
      '/input':
        'The start was expected to be applied, but was refused with MR_INPUT_INVALID: The input does not fit the definition: /: The property "a" is missing.',
    });
  });

  it('that the variables refuse is expected by its code', () => {
    passes(nodeOf(work, { vars: { a: '${ input.missing }' } }), { startRefused: 'MR_START_REFUSED' });
  });
});

describe('What is expected and is not so', () => {
  it('is told with its place, what was expected and what there is', () => {
    const document = graphOf({ a: { type: 'transform', output: { x: 1, y: [2] } }, b: work }, ['a>b'], { vars: { v: 1 } });
    const expected = {
      vars: { v: 2 },
      open: [],
      incidents: { b: 'X' },
      error: 'E',
      output: 1,
      published: [{ event: 'e' }],
      history: ['NodeExited a', 'InstanceCompleted'],
      nodes: { a: { outputContains: { y: [3] } }, b: { input: { z: 1 }, status: 'completed' } },
    };
    expect(failuresOf(document, { mocks: { b: [{ never: true }] }, expect: expected })).toEqual({
      '/expect/output': 'Expected the output of the instance to be 1, but it is null.',
      '/expect/error': 'Expected the error of the instance to be "E", but it is null.',
      '/expect/vars~1v': 'Expected the variable "v" to be 2, but it is 1.',
      '/expect/open': 'Expected the open tasks to be [], but it is ["b"].',
      '/expect/incidents': 'Expected the incidents to be {"b":"X"}, but it is {}.',
      '/expect/published': 'Expected the published events to be [{"event":"e"}], but it is [].',
      '/expect/history': 'Expected "InstanceCompleted" in the history after entry 3, but what follows is ["TaskScheduled b"].',
      '/expect/nodes/a/outputContains': 'Expected the output of "a" to contain {"y":[3]}, but it is {"x":1,"y":[2]}.',
      '/expect/nodes/b/status': 'Expected the status of "b" to be "completed", but it is "scheduled".',
      '/expect/nodes/b/input': 'Expected the input of "b" to be {"z":1}, but it is {}.',
    });
  });

  it('is told where nothing has become of a node', () => {
    expect(
      failuresOf(graphOf({ a: work, b: work }, ['a>b']), {
        mocks: { a: [{ never: true }] },
        expect: { nodes: { b: { status: 'skipped' } } },
      }),
    ).toEqual({
      '/expect/nodes/b/status': '"b" has not been reached yet.',
    });
  });
});

it('ends a scenario whose loop never does', () => {
  const body = { nodes: { w: { type: 'wait', for: '1s' } } };
  const definition = parsed(nodeOf({ type: 'repeat', while: 'true', max: 100000, body }));
  const scenario: Scenario = { name: 'it', steps: [{ advance: '100000h' }], expect: { status: 'completed' } };
  expect(runScenario(definition, scenario, {}, '/scenarios/0', { stepsMax: 100 }).failures).toEqual([
    { pointer: '/scenarios/0', message: 'The instance made more than 100 steps. Perhaps a loop of the definition never ends.' },
  ]);
});

it('counts the nodes that ran and the edges that were taken, those in bodies too', () => {
  const body = {
    nodes: { a: work, b: work },
    edges: [
      { from: 'a', to: 'b' },
      { from: 'a', to: 'b', on: 'failed' },
    ],
  };
  const definition = parsed(
    graphOf({ loop: { type: 'forEach', items: [1], onItemFailure: 'continue', body }, after: work, never: work }, [
      { from: 'loop', to: 'after', when: 'input.go' },
      { from: 'loop', to: 'never', otherwise: true },
    ]),
  );
  const counter = new CoverageCounter(definition);
  const mocks = { 'loop/a': [{ output: 1 }], 'loop/b': [{ output: 1 }], after: [{ output: 1 }] };
  counter.add(runScenario(definition, { name: 'it', input: { go: true }, mocks }, {}, '').history);
  expect(counter.coverage).toEqual({
    nodes: { count: 5, missing: ['never'] },
    edges: { count: 4, missing: ['loop->never (otherwise)', 'loop: a->b#2 (on failed)'] },
  });
});
