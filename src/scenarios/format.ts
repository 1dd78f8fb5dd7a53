/** The format of scenario files, as a JSON Schema and as types. `read.ts` checks what a schema cannot express. */
import { type Static, Type } from 'typebox';
import type { InstanceStatus } from '../core/instance/state/state.ts';
import type { Json } from '../core/json.ts';

const strict = { additionalProperties: false } as const;
/** Exactly one member. */
const one = { additionalProperties: false, minProperties: 1, maxProperties: 1 } as const;

const Any = (description: string) => Type.Unsafe<Json>({ description });
const Name = (description: string) => Type.String({ minLength: 1, maxLength: 1_000, description });
const Duration = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });
const Words = Type.Optional(Type.String({ description: 'Description that people read.' }));
const By = Type.Optional(Name('The person who does it; default `tester`.'));
const Refused = Type.Optional(
  Name('The error code with which the action must be refused, such as `MR_FORM_INVALID`. Without it the action must be applied.'),
);

const Failure = Type.Object(
  {
    code: Name('The error code, with which `error` of an edge and `nonRetryable` are compared.'),
    message: Type.Optional(Type.String()),
    details: Type.Optional(Any('Value of `error.details`.')),
    retryable: Type.Optional(
      Type.Boolean({ description: 'Whether a further attempt could help; default true. The node’s `retry` decides.' }),
    ),
    retryAfter: Type.Optional(Duration('The shortest time before the next attempt begins.')),
  },
  strict,
);

const Answer = Type.Object(
  {
    status: Type.Integer({ minimum: 100, maximum: 599 }),
    headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Headers, with their names in lower case.' })),
    body: Type.Optional(Any('Body as the node reads it: parsed if it is JSON; default null.')),
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
    'How the attempts of nodes end, in their order; the last outcome is used for all attempts after it. The key is the id of a node (`charge`, `orders/ship`), or the path of one task (`orders.3.ship`), which wins over the id.',
});
export type Mocks = Static<typeof Mocks>;

const NodeExpectation = Type.Object(
  {
    status: Type.Optional(Name('scheduled, retrying, open, completed, failed, timedOut, skipped or cancelled.')),
    attempt: Type.Optional(Type.Integer({ minimum: 1 })),
    input: Type.Optional(Any('Input of a `task` node, or the request of an `http` node.')),
    inputContains: Type.Optional(Any('As `input`, but objects may have more members.')),
    output: Type.Optional(Any('Exactly this output.')),
    outputContains: Type.Optional(Any('As `output`, but objects may have more members.')),
    error: Type.Optional(Name('Code of the error of the node.')),
    title: Type.Optional(Type.String({ description: 'Title of a `human` node.' })),
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
        description: 'Status of the instance.',
      }),
    ),
    output: Type.Optional(Any('Exactly this output of the instance.')),
    outputContains: Type.Optional(Any('As `output`, but objects may have more members.')),
    error: Type.Optional(Name('Code of the error of an instance that failed.')),
    vars: Type.Optional(
      Type.Record(Type.String(), Any('Exactly this value.'), {
        description: 'Values of variables. Variables that are not named are not compared.',
      }),
    ),
    open: Type.Optional(Type.Array(Type.String(), { description: 'Paths of all open tasks, in any order.' })),
    incidents: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'All incidents: error codes by paths. The path of an incident of the instance itself is empty.',
      }),
    ),
    nodes: Type.Optional(
      Type.Record(Type.String(), NodeExpectation, {
        description: 'Nodes by their ids, or tasks in loops by their paths (`orders.3.ship`). Nodes that are not named are not compared.',
      }),
    ),
    published: Type.Optional(
      Type.Array(
        Type.Object(
          { event: Name('Type of the event.'), key: Type.Optional(Type.String()), data: Type.Optional(Any('Exactly this data.')) },
          strict,
        ),
        {
          description: 'All events that were published, in their order.',
        },
      ),
    ),
    history: Type.Optional(
      Type.Array(Name('`<event type>` or `<event type> <path>`.'), {
        description:
          'Entries of the history in this order; other entries may be between them: `["HumanTaskEscalated approve", "InstanceCompleted"]`.',
      }),
    ),
  },
  { ...strict, minProperties: 1 },
);
export type Expectation = Static<typeof Expectation>;

export const Step = Type.Object(
  {
    advance: Type.Optional(Duration('Moves the clock forward by this duration: `"2d"`.')),
    advanceTo: Type.Optional(Type.String({ description: 'Moves the clock forward to this time: RFC 3339, with an offset.' })),
    event: Type.Optional(
      Type.Object(
        {
          type: Name('Type of the event, as in `event` of a node.'),
          key: Name('The correlation key.'),
          data: Type.Optional(Any('Data of the event; default null.')),
          source: Type.Optional(Name('Source of the event; default `scenario`.')),
          id: Type.Optional(Name('Id of the event. A second event with the same source and id is dropped. Default: a new id.')),
          time: Type.Optional(Type.String({ description: 'Time of the event, RFC 3339; default: now.' })),
        },
        { ...strict, description: 'An event arrives from outside.' },
      ),
    ),
    complete: Type.Optional(
      Type.Object(
        { task: Name('Path of the task.'), output: Type.Optional(Any('Output of the task; default {}.')), by: By, refused: Refused },
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
          task: Type.Optional(Name('For `retry`: path of the task whose incident is resolved; default: all incidents.')),
          reason: Type.Optional(Type.String({ description: 'For `cancel`: the reason.' })),
          by: By,
          refused: Refused,
        },
        { ...strict, description: 'An operator gives the instance a command.' },
      ),
    ),
    expect: Type.Optional(Expectation),
  },
  { ...one, description: 'One of `advance`, `advanceTo`, `event`, `complete`, `fail`, `command` and `expect`.' },
);
export type Step = Static<typeof Step>;

export const Scenario = Type.Object(
  {
    name: Name('A sentence that says what happens, different for each scenario of a file.'),
    description: Words,
    input: Type.Optional(Any('Input of the instance; default {}.')),
    businessKey: Type.Optional(Name('Business key of the instance.')),
    startAt: Type.Optional(Type.String({ description: 'Time at the start; default 2026-01-01T00:00:00Z.' })),
    clock: Type.Optional(
      Type.Unsafe<'auto' | 'manual'>({
        enum: ['auto', 'manual'],
        description:
          'auto (default): the clock moves by itself while work is running or the next attempt is due. manual: it moves by `advance` and `advanceTo` only.',
      }),
    ),
    mocks: Type.Optional(Mocks),
    startRefused: Type.Optional(
      Name(
        'The error code with which the start must be refused: MR_INPUT_INVALID or MR_START_REFUSED. The scenario can then expect nothing else.',
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
    $schema: Type.Optional(Type.String({ description: 'The JSON Schema that an editor uses for this file.' })),
    description: Words,
    definition: Type.Optional(Name('Path of the definition, relative to this file; default `definition.json`.')),
    mocks: Type.Optional(Mocks),
    scenarios: Type.Array(Scenario, { minItems: 1, maxItems: 10_000 }),
  },
  { ...strict, title: 'Scenarios of a Millrace definition' },
);
export type ScenarioFile = Static<typeof ScenarioFile>;
