/** The shape of scenario files, as a JSON Schema and as types. What a shape cannot say is checked by `read.ts`. */
import { type Static, Type } from 'typebox';
import type { InstanceStatus } from '../core/instance/state/state.ts';
import type { Json } from '../core/json.ts';

const strict = { additionalProperties: false } as const;
/** One member, and no more. */
const one = { additionalProperties: false, minProperties: 1, maxProperties: 1 } as const;

const Any = (description: string) => Type.Unsafe<Json>({ description });
const Name = (description: string) => Type.String({ minLength: 1, maxLength: 1_000, description });
const Duration = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });
const Words = Type.Optional(Type.String({ description: 'Words for people.' }));
const By = Type.Optional(Name('Who does it; default `tester`.'));
const Refused = Type.Optional(
  Name('The code of the error with which it has to be refused, such as `MR_FORM_INVALID`; absent: it has to be applied.'),
);

const Failure = Type.Object(
  {
    code: Name('What `error` of an edge and `nonRetryable` compare with.'),
    message: Type.Optional(Type.String()),
    details: Type.Optional(Any('What `error.details` is.')),
    retryable: Type.Optional(
      Type.Boolean({ description: 'Whether a further attempt could help; default true. The node’s `retry` decides.' }),
    ),
    retryAfter: Type.Optional(Duration('The next attempt begins no earlier than so long after this one.')),
  },
  strict,
);

const Answer = Type.Object(
  {
    status: Type.Integer({ minimum: 100, maximum: 599 }),
    headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'With names in lower case.' })),
    body: Type.Optional(Any('As the node reads it: parsed where it is JSON; default null.')),
  },
  strict,
);

export const Outcome = Type.Object(
  {
    output: Type.Optional(Any('The attempt completes with this output.')),
    answers: Type.Optional(Answer),
    fails: Type.Optional(Failure),
    timesOut: Type.Optional(Type.Literal(true, { description: 'The attempt times out, when its timeout has passed.' })),
    never: Type.Optional(Type.Literal(true, { description: 'No outcome comes: the work is lost, or waits in its queue.' })),
    after: Type.Optional(Duration('How long the attempt takes; default: no time.')),
  },
  { ...strict, description: 'How one attempt ends: one of `output`, `answers` (an `http` node), `fails`, `timesOut` and `never`.' },
);
export type Outcome = Static<typeof Outcome>;

const Mocks = Type.Record(Type.String(), Type.Array(Outcome, { minItems: 1, maxItems: 1_000 }), {
  description:
    'How the attempts of nodes end, in their order; the last holds for all that follow. By the id of the node (`charge`, `orders/ship`), or by the path of one task (`orders.3.ship`), which wins.',
});
export type Mocks = Static<typeof Mocks>;

const NodeExpectation = Type.Object(
  {
    status: Type.Optional(Name('scheduled, retrying, open, completed, failed, timedOut, skipped or cancelled.')),
    attempt: Type.Optional(Type.Integer({ minimum: 1 })),
    input: Type.Optional(Any('What a `task` or `http` node was sent; of `http` the request.')),
    inputContains: Type.Optional(Any('As `input`, but objects may have more members.')),
    output: Type.Optional(Any('Exactly this output.')),
    outputContains: Type.Optional(Any('As `output`, but objects may have more members.')),
    error: Type.Optional(Name('The code of its error.')),
    title: Type.Optional(Type.String({ description: 'Of a `human` node.' })),
    assignees: Type.Optional(
      Type.Object({ users: Type.Optional(Type.Array(Type.String())), roles: Type.Optional(Type.Array(Type.String())) }, strict),
    ),
  },
  { ...strict, minProperties: 1 },
);
export type NodeExpectation = Static<typeof NodeExpectation>;

export const Expectation = Type.Object(
  {
    status: Type.Optional(
      Type.Unsafe<InstanceStatus>({
        enum: ['running', 'paused', 'incident', 'ending', 'undoing', 'completed', 'failed', 'cancelled'],
        description: 'Of the instance.',
      }),
    ),
    output: Type.Optional(Any('Exactly this output of the instance.')),
    outputContains: Type.Optional(Any('As `output`, but objects may have more members.')),
    error: Type.Optional(Name('The code of the error of an instance that failed.')),
    vars: Type.Optional(Type.Record(Type.String(), Any('Exactly this value.'), { description: 'Variables; others may be there too.' })),
    open: Type.Optional(Type.Array(Type.String(), { description: 'Paths of all open tasks, in any order.' })),
    incidents: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'All incidents: codes by paths. The path of the instance’s own is empty.' }),
    ),
    nodes: Type.Optional(
      Type.Record(Type.String(), NodeExpectation, {
        description: 'Nodes by id, or in loops tasks by path (`orders.3.ship`); others may be there too.',
      }),
    ),
    published: Type.Optional(
      Type.Array(
        Type.Object({ event: Name('Its type.'), key: Type.Optional(Type.String()), data: Type.Optional(Any('Exactly this.')) }, strict),
        {
          description: 'All events that were published, in their order.',
        },
      ),
    ),
    history: Type.Optional(
      Type.Array(Name('`<event type>` or `<event type> <path>`.'), {
        description: 'Entries of the history in this order, others between them: `["HumanTaskEscalated approve", "InstanceCompleted"]`.',
      }),
    ),
  },
  { ...strict, minProperties: 1 },
);
export type Expectation = Static<typeof Expectation>;

export const Step = Type.Object(
  {
    advance: Type.Optional(Duration('The clock goes on by so much: `"2d"`.')),
    advanceTo: Type.Optional(Type.String({ description: 'The clock goes on to this time: RFC 3339, with an offset.' })),
    event: Type.Optional(
      Type.Object(
        {
          type: Name('What `event` of a node names.'),
          key: Name('The correlation key.'),
          data: Type.Optional(Any('Default null.')),
          source: Type.Optional(Name('Default `scenario`.')),
          id: Type.Optional(Name('The same (source, id) again is dropped; default: a new one.')),
          time: Type.Optional(Type.String({ description: 'RFC 3339; default: now.' })),
        },
        { ...strict, description: 'An event comes from outside.' },
      ),
    ),
    complete: Type.Optional(
      Type.Object(
        { task: Name('Path of the task.'), output: Type.Optional(Any('Default {}.')), by: By, refused: Refused },
        { ...strict, description: 'A person completes an open task.' },
      ),
    ),
    fail: Type.Optional(
      Type.Object(
        {
          task: Name('Path of the task.'),
          code: Name('Code of the error.'),
          message: Type.Optional(Type.String()),
          by: By,
          refused: Refused,
        },
        { ...strict, description: 'A person fails an open task.' },
      ),
    ),
    command: Type.Optional(
      Type.Object(
        {
          type: Type.Unsafe<'pause' | 'resume' | 'cancel' | 'retry'>({ enum: ['pause', 'resume', 'cancel', 'retry'] }),
          task: Type.Optional(Name('Of `retry`: the task whose incident is resolved; default: all incidents.')),
          reason: Type.Optional(Type.String({ description: 'Of `cancel`.' })),
          by: By,
          refused: Refused,
        },
        { ...strict, description: 'An operator commands the instance.' },
      ),
    ),
    expect: Type.Optional(Expectation),
  },
  { ...one, description: 'One of `advance`, `advanceTo`, `event`, `complete`, `fail`, `command` and `expect`.' },
);
export type Step = Static<typeof Step>;

export const Scenario = Type.Object(
  {
    name: Name('A sentence of what happens. Each scenario of a file has its own.'),
    description: Words,
    input: Type.Optional(Any('Default {}.')),
    businessKey: Type.Optional(Name('Of the instance.')),
    startAt: Type.Optional(Type.String({ description: 'What the clock shows at the start; default 2026-01-01T00:00:00Z.' })),
    clock: Type.Optional(
      Type.Unsafe<'auto' | 'manual'>({
        enum: ['auto', 'manual'],
        description:
          'auto (default): the clock goes on by itself while work is under way or the next attempt is to come. manual: by `advance` alone.',
      }),
    ),
    mocks: Type.Optional(Mocks),
    startRefused: Type.Optional(
      Name(
        'The code of the error with which the start has to be refused: MR_INPUT_INVALID or MR_START_REFUSED. Nothing else is expected then.',
      ),
    ),
    steps: Type.Optional(Type.Array(Step, { maxItems: 10_000 })),
    expect: Type.Optional(Expectation),
  },
  strict,
);
export type Scenario = Static<typeof Scenario>;

export const ScenarioFile = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors.' })),
    description: Words,
    definition: Type.Optional(Name('Path of the definition, from here; default `definition.json`.')),
    mocks: Type.Optional(Mocks),
    scenarios: Type.Array(Scenario, { minItems: 1, maxItems: 10_000 }),
  },
  { ...strict, title: 'Scenarios of a Millrace definition' },
);
export type ScenarioFile = Static<typeof ScenarioFile>;
