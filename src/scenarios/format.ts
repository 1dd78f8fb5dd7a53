/** The format of scenario files, as a JSON Schema and as types. `read.ts` checks what a schema cannot express. */
import { type Static, Type } from 'typebox';
import type { InstanceStatus } from '../core/instance/state/state.ts';
import type { Json } from '../core/json.ts';

/** Where a file is wrong, as a JSON pointer, and what to do. */
export type FileError = { readonly pointer: string; readonly message: string };

/** The definition that a file is about, where it names none; a path from the file's folder. */
export const definitionFileDefault = 'definition.json';

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
      Type.Array(Name('`<type of entry>` or `<type of entry> <path>`.'), {
        description:
          'Entries of the history in this order; other entries may be between them: `["HumanTaskEscalated approve", "InstanceCompleted"]`.',
      }),
    ),
  },
  { ...strict, minProperties: 1 },
);
export type Expectation = Static<typeof Expectation>;

export const commandTypes = ['pause', 'resume', 'cancel', 'retry', 'set-vars', 'complete-node', 'skip-node', 'rerun-node'] as const;
export type CommandType = (typeof commandTypes)[number];

const Event = (description: string) =>
  Type.Object(
    {
      type: Name('Type of the event, as in `event` of a node or trigger.'),
      key: Name('The correlation key.'),
      data: Type.Optional(Any('Data of the event; default null.')),
      source: Type.Optional(Name('Source of the event; default `scenario`.')),
      id: Type.Optional(Name('Id of the event. A second event with the same source and id is dropped. Default: a new id.')),
      time: Type.Optional(Type.String({ description: 'Time of the event, RFC 3339; default: now.' })),
    },
    { ...strict, description },
  );
export type ScenarioEvent = Static<ReturnType<typeof Event>>;

const TriggerStart = Type.Object(
  {
    event: Type.Optional(Event('The event that starts the instance, if a trigger of the definition takes it.')),
    schedule: Type.Optional(Name('Name of the trigger whose time has come; that time is `startAt`.')),
  },
  { ...one, description: 'What starts the instance by a trigger, which gives its input and business key: one of `event` and `schedule`.' },
);
export type TriggerStart = Static<typeof TriggerStart>;

export const Step = Type.Object(
  {
    advance: Type.Optional(Duration('Moves the clock forward by this duration: `"2d"`.')),
    advanceTo: Type.Optional(Type.String({ description: 'Moves the clock forward to this time: RFC 3339, with an offset.' })),
    event: Type.Optional(Event('An event arrives from outside.')),
    complete: Type.Optional(
      Type.Object(
        {
          task: Name('Path of the task.'),
          output: Type.Optional(Any('Output of the task; default {}.')),
          outcome: Type.Optional(Name('The one of its `outcomes` that the person chooses.')),
          comment: Type.Optional(Name('What the person says about it.')),
          by: By,
          refused: Refused,
        },
        { ...strict, description: 'A person completes an open task, or votes where several decide.' },
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
    delegate: Type.Optional(
      Type.Object(
        {
          task: Name('Path of the task.'),
          to: Name('Who has the task then.'),
          comment: Type.Optional(Name('What the person says about it.')),
          by: By,
          refused: Refused,
        },
        { ...strict, description: 'A person hands an open task to another one.' },
      ),
    ),
    command: Type.Optional(
      Type.Object(
        {
          type: Type.Unsafe<CommandType>({ enum: [...commandTypes] }),
          task: Type.Optional(
            Name(
              'Path of the task: for `complete-node`, `skip-node` and `rerun-node` the one that is corrected, for `retry` the one whose incident is resolved; default for `retry`: all incidents.',
            ),
          ),
          output: Type.Optional(Any('For `complete-node`: what the node has completed with; default null.')),
          vars: Type.Optional(Type.Record(Type.String(), Any('The value.'), { description: 'For `set-vars`: the variables that change.' })),
          reason: Type.Optional(Type.String({ description: 'For `cancel` and corrections: the reason.' })),
          by: By,
          refused: Refused,
        },
        { ...strict, description: 'An operator gives the instance a command.' },
      ),
    ),
    migrate: Type.Optional(
      Type.Object(
        {
          to: Name('Path of the other version of the definition, relative to this file.'),
          reason: Type.Optional(Type.String({ description: 'The reason, which the history keeps.' })),
          by: By,
          refused: Refused,
          because: Type.Optional(
            Type.Array(Type.String(), {
              minItems: 1,
              description:
                'With `refused`: what speaks against it, all of it in any order, as JSON pointers into the other version: `/nodes/pay`.',
            }),
          ),
        },
        { ...strict, description: 'An operator moves the instance to another version of its definition.' },
      ),
    ),
    expect: Type.Optional(Expectation),
  },
  { ...one, description: 'One of `advance`, `advanceTo`, `event`, `complete`, `fail`, `delegate`, `command`, `migrate` and `expect`.' },
);
export type Step = Static<typeof Step>;

export const Scenario = Type.Object(
  {
    name: Name('A sentence that says what happens, different for each scenario of a file.'),
    description: Words,
    input: Type.Optional(Any('Input of the instance; default {}.')),
    businessKey: Type.Optional(Name('Business key of the instance.')),
    startedBy: Type.Optional(Name('Who starts it, as `instance.startedBy` gives it; default `tester`, or what starts it by a trigger.')),
    trigger: Type.Optional(TriggerStart),
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
        'The error code with which the start must be refused: MR_INPUT_INVALID or MR_START_REFUSED; with `trigger` MR_TRIGGER_FAILED too, or NO_TRIGGER if none takes the event. The scenario can then expect nothing else.',
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
