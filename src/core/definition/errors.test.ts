/** Every kind of error, with its exact place. */
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../json.ts';
import { definitionErrorCodes } from './index.ts';
import { errorsOf, expenseApproval, graphOf, nodeOf, placesOf, step } from './testing/documents.ts';

const http = { type: 'http', method: 'GET', url: 'https://example.com' };
const human = { type: 'human', title: 'Do it', assignees: { users: ['ada'] } };
const event = { type: 'event', event: 'paid', key: 'k' };
const task = { type: 'task', task: 'charge' };
const publish = { type: 'publish', event: 'paid', key: 'k' };

const closed = { type: 'object', properties: { x: { type: 'number' } }, additionalProperties: false };

/** What is wrong, the document, and all its errors. */
const cases: readonly (readonly [string, Json, readonly string[]])[] = [
  [
    'a member that a closed output does not have',
    graphOf({ a: { ...step, output: { x: 1 }, outputSchema: closed }, b: { ...step, output: '${ nodes.a.output.y }' } }, ['a>b']),
    ['MR_DEF_UNKNOWN_MEMBER /nodes/b/output'],
  ],
  [
    'a condition that is declared to be a number',
    graphOf({ a: { ...step, output: { x: 1 }, outputSchema: closed }, b: step }, [
      { from: 'a', to: 'b', when: 'nodes.a.output.x' },
      { from: 'a', to: null, otherwise: true },
    ]),
    ['MR_DEF_TYPE /edges/0/when'],
  ],
  ['a method that no worker sends', nodeOf({ type: 'http', method: 'TRACE', url: 'https://a.example/' }), ['MR_DEF_SHAPE /nodes/n/method']],
  ['a body where a request has none', nodeOf({ ...http, body: { a: 1 } }), ['MR_DEF_SHAPE /nodes/n/body']],
  ['a header that the connection decides', nodeOf({ ...http, headers: { Host: 'a.example' } }), ['MR_DEF_SHAPE /nodes/n/headers/Host']],
  ['a password in an address', nodeOf({ ...http, url: 'https://ada:secret@a.example/' }), ['MR_DEF_SHAPE /nodes/n/url']],
  ['a document that is no object', [], ['MR_DEF_SHAPE ']],
  ['no id and no nodes', {}, ['MR_DEF_MISSING_FIELD ', 'MR_DEF_MISSING_FIELD ']],
  ['no node at all', { id: 'a', nodes: {} }, ['MR_DEF_SHAPE /nodes']],
  ['an id that cannot be one', { ...graphOf(['a']), id: '1 a' }, ['MR_DEF_ID /id']],
  ['a node id that cannot be one', graphOf({ 'a/b~c': step }), ['MR_DEF_ID /nodes/a~1b~0c']],
  ['a field the language does not know', { ...graphOf(['a']), edgse: [] }, ['MR_DEF_UNKNOWN_FIELD /edgse']],
  ['a field the node does not know', nodeOf({ ...step, outptu: 1 }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/outptu']],
  ['a field the edge does not know', graphOf(['a', 'b'], [{ from: 'a', to: 'b', wehn: 'true' }]), ['MR_DEF_UNKNOWN_FIELD /edges/0/wehn']],
  ['a field the retry does not know', nodeOf({ ...task, retry: { attempts: 3 } }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/retry/attempts']],
  [
    'a field the assignees do not know',
    nodeOf({ ...human, assignees: { users: ['ada'], groups: ['x'] } }),
    ['MR_DEF_UNKNOWN_FIELD /nodes/n/assignees/groups'],
  ],
  [
    'a field the escalation does not know',
    nodeOf({ ...human, escalate: { after: '1d', to: { users: ['eve'] }, when: 'late' } }),
    ['MR_DEF_UNKNOWN_FIELD /nodes/n/escalate/when'],
  ],
  [
    'a field the join does not know',
    graphOf({ a: step, b: { ...step, join: { atLeast: 1, of: 2 } } }, ['a>b']),
    ['MR_DEF_UNKNOWN_FIELD /nodes/b/join/of'],
  ],
  [
    'a field an event of anyOf does not know',
    nodeOf({ type: 'event', anyOf: [{ event: 'a', key: 'k', wehre: 'true' }] }),
    ['MR_DEF_UNKNOWN_FIELD /nodes/n/anyOf/0/wehre'],
  ],
  [
    'an id that cannot be stored, beside everything else',
    { ...graphOf({ n: { ...step, outptu: 1 } }), id: 'a\u0000' },
    ['MR_DEF_ID /id', 'MR_DEF_STRING /id', 'MR_DEF_UNKNOWN_FIELD /nodes/n/outptu'],
  ],
  [
    'strings that cannot be stored',
    nodeOf({ ...step, output: { a: 'x\ud800', 'b\u0000': 1 } }),
    ['MR_DEF_STRING /nodes/n/output/a', 'MR_DEF_STRING /nodes/n/output/b\u0000'],
  ],
  ['an unknown node type', nodeOf({ type: 'htpp' }), ['MR_DEF_UNKNOWN_TYPE /nodes/n/type']],
  ['a node without type', nodeOf({}), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['a node that is no object', graphOf({ n: null }), ['MR_DEF_SHAPE /nodes/n']],
  ['a name of an object’s own member as type', nodeOf({ type: 'constructor' }), ['MR_DEF_UNKNOWN_TYPE /nodes/n/type']],
  ['an edge to an unknown node', graphOf(['a'], ['a>b']), ['MR_DEF_UNKNOWN_NODE /edges/0/to']],
  ['an edge from an unknown node', graphOf(['a'], ['b>a']), ['MR_DEF_UNKNOWN_NODE /edges/0/from']],
  ['an edge without ends', graphOf(['a'], [{}]), ['MR_DEF_MISSING_FIELD /edges/0', 'MR_DEF_MISSING_FIELD /edges/0']],
  ['edges that are not an array', { ...graphOf(['a']), edges: {} }, ['MR_DEF_SHAPE /edges']],
  ['an edge to itself', graphOf(['a'], ['a>a']), ['MR_DEF_SELF_EDGE /edges/0']],
  ['the same edge twice', graphOf(['a', 'b'], ['a>b', 'a>b']), ['MR_DEF_DUPLICATE_EDGE /edges/1']],
  [
    'the same edge once more in other words',
    graphOf(['a', 'b'], ['a>b', { from: 'a', to: 'b', otherwise: false }]),
    ['MR_DEF_DUPLICATE_EDGE /edges/1'],
  ],
  ['a cycle of the whole graph', graphOf(['a', 'b', 'c'], ['a>b', 'b>c', 'c>a']), ['MR_DEF_CYCLE /edges/2']],
  ['a node behind a cycle', graphOf(['a', 'b', 'c'], ['a>b', 'b>a', 'b>c']), ['MR_DEF_CYCLE /edges/1', 'MR_DEF_UNREACHABLE_NODE /nodes/c']],
  ['edges that may all be untaken', graphOf(['a', 'b'], [{ from: 'a', to: 'b', when: 'true' }]), ['MR_DEF_OTHERWISE_MISSING /nodes/a']],
  [
    'otherwise beside an unconditional edge',
    graphOf(['a', 'b', 'c'], ['a>b', { from: 'a', to: 'c', otherwise: true }]),
    ['MR_DEF_OTHERWISE_NEVER /edges/1/otherwise'],
  ],
  [
    'otherwise twice',
    graphOf(
      ['a', 'b', 'c'],
      [
        { from: 'a', to: 'b', otherwise: true },
        { from: 'a', to: 'c', otherwise: true },
      ],
    ),
    ['MR_DEF_OTHERWISE_TWICE /edges/1/otherwise'],
  ],
  ['nowhere without otherwise', graphOf(['a'], [{ from: 'a', to: null }]), ['MR_DEF_EDGE /edges/0/to']],
  [
    'otherwise with a condition',
    graphOf(['a', 'b'], [{ from: 'a', to: 'b', otherwise: true, when: 'true' }]),
    ['MR_DEF_EDGE /edges/0/when'],
  ],
  [
    'otherwise for a failure',
    graphOf({ a: http, b: step }, [{ from: 'a', to: 'b', otherwise: true, on: 'failed' }]),
    ['MR_DEF_EDGE /edges/0/on'],
  ],
  ['an error without on', graphOf(['a', 'b'], [{ from: 'a', to: 'b', error: 'X' }]), ['MR_DEF_EDGE /edges/0/error']],
  ['an unknown ending', graphOf({ a: http, b: step }, [{ from: 'a', to: 'b', on: 'completed' }]), ['MR_DEF_SHAPE /edges/0/on']],
  ['a failure of what cannot fail', graphOf(['a', 'b'], [{ from: 'a', to: 'b', on: 'any' }]), ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on']],
  ...[event, { type: 'wait', for: '1s' }, publish].map(
    (a) =>
      [
        `any ending but completion of a ${a.type}`,
        graphOf({ a, b: step }, [{ from: 'a', to: 'b', on: 'any' }]),
        ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
      ] as const,
  ),
  ['a failed event', graphOf({ a: event, b: step }, [{ from: 'a', to: 'b', on: 'failed' }]), ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on']],
  [
    'a timeout of what has none',
    graphOf({ a: human, b: step }, [{ from: 'a', to: 'b', on: 'timedOut' }]),
    ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
  ],
  [
    'a join of more branches than there are',
    graphOf({ a: step, b: { ...step, join: { atLeast: 2 } } }, ['a>b']),
    ['MR_DEF_JOIN /nodes/b/join/atLeast'],
  ],
  ['an unknown join', nodeOf({ ...step, join: 'al' }), ['MR_DEF_SHAPE /nodes/n/join']],
  ['a join without its number', nodeOf({ ...step, join: {} }), ['MR_DEF_MISSING_FIELD /nodes/n/join']],
  ['cancelRest of a join that waits for all', nodeOf({ ...step, cancelRest: true }), ['MR_DEF_JOIN /nodes/n/cancelRest']],
  ['a queue that is an expression', nodeOf({ ...task, queue: '${ input.q }' }), ['MR_DEF_LITERAL /nodes/n/queue']],
  ['a queue of the name of that of http nodes', nodeOf({ ...task, queue: 'http' }), ['MR_DEF_SHAPE /nodes/n/queue']],
  ['a queue that no topic can end with', nodeOf({ ...task, queue: 'a.b' }), ['MR_DEF_SHAPE /nodes/n/queue']],
  ['a task that is an expression', nodeOf({ ...task, task: '${ input.q }' }), ['MR_DEF_LITERAL /nodes/n/task']],
  ['an event that is an expression', nodeOf({ ...event, event: '${ input.q }' }), ['MR_DEF_LITERAL /nodes/n/event']],
  ['a published event that is an expression', nodeOf({ ...publish, event: '${ input.q }' }), ['MR_DEF_LITERAL /nodes/n/event']],
  [
    'an event of anyOf that is an expression',
    nodeOf({ type: 'event', anyOf: [{ event: '${ input.q }', key: 'k' }] }),
    ['MR_DEF_LITERAL /nodes/n/anyOf/0/event'],
  ],
  ['a topic that is an expression', nodeOf({ ...publish, topic: '${ input.q }' }), ['MR_DEF_LITERAL /nodes/n/topic']],
  ['a topic that Kafka would refuse', nodeOf({ ...publish, topic: '..' }), ['MR_DEF_SHAPE /nodes/n/topic']],
  ['a duration that is none', nodeOf({ ...http, timeout: 'soon' }), ['MR_DEF_DURATION /nodes/n/timeout']],
  ['a duration that is a number', nodeOf({ ...http, timeout: 30 }), ['MR_DEF_DURATION /nodes/n/timeout']],
  ['a time limit of nothing', nodeOf({ ...http, timeout: '0s' }), ['MR_DEF_DURATION /nodes/n/timeout']],
  ['a month, which has no fixed length', nodeOf({ type: 'wait', for: 'P1M' }), ['MR_DEF_DURATION /nodes/n/for']],
  ['a queueTimeout below the timeout', nodeOf({ ...http, timeout: '1m', queueTimeout: '59s' }), ['MR_DEF_DURATION /nodes/n/queueTimeout']],
  ['a queueTimeout below the default timeout', nodeOf({ ...task, queueTimeout: '4m' }), ['MR_DEF_DURATION /nodes/n/queueTimeout']],
  ['a longest delay below the first', nodeOf({ ...http, retry: { initial: '1m', max: '1s' } }), ['MR_DEF_DURATION /nodes/n/retry/max']],
  ['a time without offset', nodeOf({ type: 'wait', until: '2026-01-31T09:00:00' }), ['MR_DEF_INSTANT /nodes/n/until']],
  ['a wait for nothing', nodeOf({ type: 'wait' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['a wait for null', nodeOf({ type: 'wait', for: null }), ['MR_DEF_DURATION /nodes/n/for']],
  [
    'an escalation after null',
    nodeOf({ ...human, escalate: { after: null, to: { users: ['a'] } } }),
    ['MR_DEF_DURATION /nodes/n/escalate/after'],
  ],
  ['headers that are a string', nodeOf({ ...http, headers: 'a: b' }), ['MR_DEF_SHAPE /nodes/n/headers']],
  ['a wait for two things', nodeOf({ type: 'wait', for: '1s', until: '2026-01-31T09:00:00Z' }), ['MR_DEF_SHAPE /nodes/n']],
  ['no attempt', nodeOf({ ...http, retry: { maxAttempts: 0 } }), ['MR_DEF_SHAPE /nodes/n/retry/maxAttempts']],
  ['an unknown jitter', nodeOf({ ...http, retry: { jitter: 'full' } }), ['MR_DEF_SHAPE /nodes/n/retry/jitter']],
  ['an unknown backoff', nodeOf({ ...http, retry: { backoff: 'linaer' } }), ['MR_DEF_SHAPE /nodes/n/retry/backoff']],
  ['an error code twice', nodeOf({ ...http, retry: { nonRetryable: ['A', 'A'] } }), ['MR_DEF_DUPLICATE /nodes/n/retry/nonRetryable']],
  ['retry of a person', nodeOf({ ...human, retry: {} }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/retry']],
  ['timeout of a transform', nodeOf({ ...step, timeout: '1s' }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/timeout']],
  ['a url that begins with no address', nodeOf({ ...http, url: 'ftp://${ input.host }/x' }), ['MR_DEF_SHAPE /nodes/n/url']],
  ['a query that is no object', nodeOf({ ...http, query: 'a=1' }), ['MR_DEF_SHAPE /nodes/n/query']],
  ['a value of a query that is an object', nodeOf({ ...http, query: { a: { b: 1 } } }), ['MR_DEF_SHAPE /nodes/n/query/a']],
  ['a form of a GET', nodeOf({ ...http, form: { a: 1 } }), ['MR_DEF_SHAPE /nodes/n/form']],
  ['a form beside a body', nodeOf({ ...http, method: 'POST', form: { a: 1 }, body: 1 }), ['MR_DEF_SHAPE /nodes/n/form']],
  ['a way to read the answer that there is not', nodeOf({ ...http, parse: 'xml' }), ['MR_DEF_SHAPE /nodes/n/parse']],
  ['numbers of a text', nodeOf({ ...http, parse: 'text', numbers: 'string' }), ['MR_DEF_SHAPE /nodes/n/numbers']],
  ['a code that is retried twice', nodeOf({ ...http, retry: { on: ['A', 'A'] } }), ['MR_DEF_DUPLICATE /nodes/n/retry/on']],
  ['a request without method and url', nodeOf({ type: 'http' }), ['MR_DEF_MISSING_FIELD /nodes/n', 'MR_DEF_MISSING_FIELD /nodes/n']],
  ['an address of another kind', nodeOf({ ...http, url: 'file:///etc/passwd' }), ['MR_DEF_SHAPE /nodes/n/url']],
  ['a header that is an object', nodeOf({ ...http, headers: { 'x-a': {} } }), ['MR_DEF_SHAPE /nodes/n/headers/x-a']],
  ['a task for nobody', nodeOf({ ...human, assignees: { users: [] } }), ['MR_DEF_MISSING_FIELD /nodes/n/assignees']],
  ['a role with a blank', nodeOf({ ...human, assignees: { roles: ['manager '] } }), ['MR_DEF_SHAPE /nodes/n/assignees/roles']],
  ['a person named twice', nodeOf({ ...human, assignees: { users: ['ada', 'ada'] } }), ['MR_DEF_DUPLICATE /nodes/n/assignees/users']],
  ['an escalation to nobody', nodeOf({ ...human, escalate: { after: '1d' } }), ['MR_DEF_MISSING_FIELD /nodes/n/escalate']],
  ['an escalation without a time', nodeOf({ ...human, escalate: { to: { users: ['eve'] } } }), ['MR_DEF_MISSING_FIELD /nodes/n/escalate']],
  ['a transform without output', nodeOf({ type: 'transform' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['a task without its handler', nodeOf({ type: 'task' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  [
    'a task for a person without title and assignees',
    nodeOf({ type: 'human' }),
    ['MR_DEF_MISSING_FIELD /nodes/n', 'MR_DEF_MISSING_FIELD /nodes/n'],
  ],
  ['a wait for no type of event', nodeOf({ type: 'event', key: 'k' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['a published event without type', nodeOf({ type: 'publish', key: 'k' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['an event without key', nodeOf({ type: 'event', event: 'paid' }), ['MR_DEF_MISSING_FIELD /nodes/n']],
  ['an event beside anyOf', nodeOf({ type: 'event', event: 'a', anyOf: [{ event: 'b', key: 'k' }] }), ['MR_DEF_SHAPE /nodes/n/event']],
  [
    'a key and a condition beside anyOf',
    nodeOf({ type: 'event', key: 'k', where: 'true', anyOf: [{ event: 'b', key: 'k' }] }),
    ['MR_DEF_SHAPE /nodes/n/key', 'MR_DEF_SHAPE /nodes/n/where'],
  ],
  ['an empty anyOf', nodeOf({ type: 'event', anyOf: [] }), ['MR_DEF_SHAPE /nodes/n/anyOf']],
  [
    'the same event twice',
    nodeOf({
      type: 'event',
      anyOf: [
        { event: 'a', key: 'k' },
        { key: 'k', event: 'a' },
      ],
    }),
    ['MR_DEF_DUPLICATE /nodes/n/anyOf/1'],
  ],
  ['no event to count', nodeOf({ ...event, count: 0 }), ['MR_DEF_SHAPE /nodes/n/count']],
  ['an unknown end at the timeout', nodeOf({ ...event, count: 2, timeout: '1h', onTimeout: 'drop' }), ['MR_DEF_SHAPE /nodes/n/onTimeout']],
  ['an end at a timeout that is not there', nodeOf({ ...event, count: 2, onTimeout: 'take' }), ['MR_DEF_SHAPE /nodes/n/onTimeout']],
  ['an end at the timeout of one event', nodeOf({ ...event, timeout: '1h', onTimeout: 'take' }), ['MR_DEF_SHAPE /nodes/n/onTimeout']],
  [
    'an edge on the timeout of a wait that takes what has come',
    graphOf({ a: { ...event, count: 2, timeout: '1h', onTimeout: 'take' }, b: step }, [{ from: 'a', to: 'b', on: 'timedOut' }]),
    ['MR_DEF_EDGE_NEVER_TAKEN /edges/0/on'],
  ],
  ['a variable that cannot be named', { ...graphOf(['a']), vars: { 'a-b': 1 } }, ['MR_DEF_ID /vars/a-b']],
  ['an unknown onFailure', { ...graphOf(['a']), onFailure: 'ignore' }, ['MR_DEF_SHAPE /onFailure']],
  ['an unknown lifecycle', { ...graphOf(['a']), lifecycle: 'all' }, ['MR_DEF_SHAPE /lifecycle']],
  ['a schema that is none', { ...graphOf(['a']), input: { type: 'objekt' } }, ['MR_DEF_SCHEMA /input/type']],
  ['a form that is none', nodeOf({ ...human, form: { type: 'objekt' } }), ['MR_DEF_SCHEMA /nodes/n/form/type']],
  ['an expression that does not parse', nodeOf({ ...step, output: { a: ['${ 1 + }'] } }), ['MR_DEF_EXPRESSION /nodes/n/output/a/0']],
  ['a url that does not parse', nodeOf({ ...http, url: '${ 1 + }' }), ['MR_DEF_EXPRESSION /nodes/n/url']],
  [
    'a condition that does not parse',
    graphOf(
      ['a', 'b'],
      [
        { from: 'a', to: 'b', when: 'input.x >' },
        { from: 'a', to: null, otherwise: true },
      ],
    ),
    ['MR_DEF_EXPRESSION /edges/0/when'],
  ],
  [
    'a condition in ${ }',
    graphOf(
      ['a', 'b'],
      [
        { from: 'a', to: 'b', when: '${ true }' },
        { from: 'a', to: null, otherwise: true },
      ],
    ),
    ['MR_DEF_EXPRESSION /edges/0/when'],
  ],
  ['a condition that is never a boolean', nodeOf({ ...event, where: '"x"' }), ['MR_DEF_EXPRESSION /nodes/n/where']],
  [
    'a condition that always fails',
    graphOf(
      ['a', 'b'],
      [
        { from: 'a', to: 'b', when: '1 / 0 == 1' },
        { from: 'a', to: null, otherwise: true },
      ],
    ),
    ['MR_DEF_EXPRESSION /edges/0/when'],
  ],
  ['the event outside where', nodeOf({ ...event, key: '${ event.key }' }), ['MR_DEF_UNKNOWN_ROOT /nodes/n/key']],
  ['the item outside loops', nodeOf({ ...step, output: { a: '${ item }' } }), ['MR_DEF_UNKNOWN_ROOT /nodes/n/output/a']],
  ['variables in the first values of variables', { ...graphOf(['a']), vars: { a: 1, b: '${ vars.a }' } }, ['MR_DEF_UNKNOWN_ROOT /vars/b']],
  ['nodes in the time limit of the instance', { ...graphOf(['a']), timeout: '${ nodes.a.output }' }, ['MR_DEF_UNKNOWN_ROOT /timeout']],
  ['a title that is no string', { ...graphOf(['a']), title: 3 }, ['MR_DEF_SHAPE /title']],
  ['a description that is no string', nodeOf({ ...step, description: {} }), ['MR_DEF_SHAPE /nodes/n/description']],
  ['labels that are an array', nodeOf({ ...step, labels: ['a'] }), ['MR_DEF_SHAPE /nodes/n/labels']],
  ['a label that is a number', nodeOf({ ...step, labels: { team: 'a', size: 3 } }), ['MR_DEF_SHAPE /nodes/n/labels/size']],
  ['an unknown variable', nodeOf({ ...step, output: '${ vars.total }' }), ['MR_DEF_UNKNOWN_VAR /nodes/n/output']],
  ['an unknown node', nodeOf({ ...step, output: '${ nodes.m.output }' }), ['MR_DEF_UNKNOWN_NODE /nodes/n/output']],
  ['an unknown member of a node', { ...graphOf(['a']), output: '${ nodes.a.result }' }, ['MR_DEF_UNKNOWN_MEMBER /output']],
  ['an unknown member of the instance', nodeOf({ ...step, output: '${ instance.key }' }), ['MR_DEF_UNKNOWN_MEMBER /nodes/n/output']],
  ['a node’s own output while it opens', nodeOf({ ...step, output: '${ nodes.n.output }' }), ['MR_DEF_NODE_NOT_BEFORE /nodes/n/output']],
  [
    'the output of a later node',
    graphOf({ a: { ...step, output: '${ nodes.b.output }' }, b: step }, ['a>b']),
    ['MR_DEF_NODE_NOT_BEFORE /nodes/a/output'],
  ],
  [
    'the output of another branch',
    graphOf({ a: step, b: step, c: { ...step, output: '${ nodes.b.output }' } }, ['a>b', 'a>c']),
    ['MR_DEF_NODE_NOT_BEFORE /nodes/c/output'],
  ],
  ['a child of itself', nodeOf({ type: 'workflow', definition: 'test' }), ['MR_DEF_CHILD_OF_ITSELF /nodes/n/definition']],
  [
    'a time that is no cron expression',
    { ...graphOf(['a']), triggers: [{ schedule: { cron: 'x' } }] },
    ['MR_DEF_CRON /triggers/0/schedule/cron'],
  ],
  [
    'a time zone that there is not',
    { ...graphOf(['a']), triggers: [{ schedule: { cron: '0 0 * * *', timeZone: 'x' } }] },
    ['MR_DEF_TIME_ZONE /triggers/0/schedule/timeZone'],
  ],
  ['a compensation of a wait', nodeOf({ type: 'wait', for: '1s', compensation: {} }), ['MR_DEF_COMPENSATION /nodes/n/compensation']],
  ['one outcome', nodeOf({ ...human, outcomes: ['approve'] }), ['MR_DEF_SHAPE /nodes/n/outcomes']],
  ['outcomes that are no array', nodeOf({ ...human, outcomes: 'approve' }), ['MR_DEF_SHAPE /nodes/n/outcomes']],
  ['an outcome that cannot be a name', nodeOf({ ...human, outcomes: ['yes, please', 'no'] }), ['MR_DEF_ID /nodes/n/outcomes/0']],
  ['an outcome twice', nodeOf({ ...human, outcomes: ['yes', 'no', 'yes'] }), ['MR_DEF_DUPLICATE /nodes/n/outcomes/2']],
  ['approvals that are no object', nodeOf({ ...human, approvals: 2 }), ['MR_DEF_SHAPE /nodes/n/approvals']],
  ['no vote at all', nodeOf({ ...human, approvals: { atLeast: 0 } }), ['MR_DEF_SHAPE /nodes/n/approvals/atLeast']],
  ['more votes than a task may have', nodeOf({ ...human, approvals: { atLeast: 51 } }), ['MR_DEF_SHAPE /nodes/n/approvals/atLeast']],
  [
    'fewer votes than are needed',
    nodeOf({ ...human, outcomes: ['yes', 'no'], approvals: { atLeast: 3, of: 2 } }),
    ['MR_DEF_SHAPE /nodes/n/approvals/of'],
  ],
  ['a number of votes without outcomes', nodeOf({ ...human, approvals: { atLeast: 2, of: 3 } }), ['MR_DEF_SHAPE /nodes/n/approvals/of']],
  ['nobody who may not decide', nodeOf({ ...human, approvals: { notBy: [] } }), ['MR_DEF_SHAPE /nodes/n/approvals/notBy']],
  ['people who are no strings', nodeOf({ ...human, approvals: { notBy: [7] } }), ['MR_DEF_SHAPE /nodes/n/approvals/notBy']],
  [
    'an expression of approvals that asks for what there is not',
    nodeOf({ ...human, approvals: { notBy: '${ nodes.m.completedBy }' } }),
    ['MR_DEF_UNKNOWN_NODE /nodes/n/approvals/notBy'],
  ],
  ['a field the approvals do not know', nodeOf({ ...human, approvals: { count: 2 } }), ['MR_DEF_UNKNOWN_FIELD /nodes/n/approvals/count']],
  ['no reminder in an array', nodeOf({ ...human, reminder: [] }), ['MR_DEF_SHAPE /nodes/n/reminder']],
  ['reminders out of order', nodeOf({ ...human, reminder: ['2d', '1d'] }), ['MR_DEF_SHAPE /nodes/n/reminder/1']],
  ['a reminder that is no duration', nodeOf({ ...human, reminder: ['1d', 'soon'] }), ['MR_DEF_DURATION /nodes/n/reminder/1']],
  [
    'escalations out of order',
    nodeOf({
      ...human,
      escalate: [
        { after: '1d', to: { users: ['eve'] } },
        { after: '1d', to: { roles: ['lead'] } },
      ],
    }),
    ['MR_DEF_SHAPE /nodes/n/escalate/1/after'],
  ],
  [
    'an escalation that goes nowhere',
    nodeOf({ ...human, escalate: [{ after: '1d', to: { users: ['eve'] } }, { after: '2d' }] }),
    ['MR_DEF_MISSING_FIELD /nodes/n/escalate/1'],
  ],
  ['an escalation that is no object', nodeOf({ ...human, escalate: ['1d'] }), ['MR_DEF_SHAPE /nodes/n/escalate/0']],
];

describe('A definition is refused', () => {
  it.each(cases)('for %s', (_, document, expected) => {
    expect(placesOf(document)).toEqual(expected);
  });

  it('with every error at once', () => {
    const document = graphOf({ a: { type: 'http', retires: 3 }, b: { ...step, join: 'some' } }, ['a>c', 'b>b'], { onFailure: 'retry' });
    expect(placesOf(document)).toEqual([
      'MR_DEF_SHAPE /onFailure',
      'MR_DEF_MISSING_FIELD /nodes/a',
      'MR_DEF_MISSING_FIELD /nodes/a',
      'MR_DEF_UNKNOWN_FIELD /nodes/a/retires',
      'MR_DEF_SHAPE /nodes/b/join',
      'MR_DEF_UNKNOWN_NODE /edges/0/to',
      'MR_DEF_SELF_EDGE /edges/1',
    ]);
  });

  it('with codes from the list only, each of which is shown here', () => {
    const shown = new Set(cases.flatMap(([, , places]) => places.map((place) => place.split(' ')[0])));
    const elsewhere = new Set(['MR_DEF_LIMIT']);
    expect([...definitionErrorCodes].filter((code) => !shown.has(code) && !elsewhere.has(code))).toEqual([]);
  });
});

it('has no error in the example of the language', () => {
  expect(errorsOf(expenseApproval)).toEqual([]);
});

it('leaves nodes that are refused known to edges and expressions', () => {
  const document: JsonObject = graphOf({ a: { type: 'workflwo' }, b: { ...step, output: '${ nodes.a.output }' } }, ['a>b']);
  expect(placesOf(document)).toEqual(['MR_DEF_UNKNOWN_TYPE /nodes/a/type']);
});
