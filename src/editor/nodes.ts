/** The fields of each type of node, with descriptions for hover text. `editor-schema.test.ts` compares them with the parser. */
import type { JsonObject } from '../core/json.ts';
import {
  anything,
  condition,
  declaredSchema,
  duration,
  flag,
  instant,
  integer,
  literal,
  object,
  oneOf,
  orExpression,
  text,
  when,
  writtenDuration,
} from './shapes.ts';

type NodeShape = {
  readonly description: string;
  readonly fields: JsonObject;
  readonly required: readonly string[];
  readonly more?: JsonObject;
};

const names = { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true } as const;

const assignees = (description: string): JsonObject =>
  orExpression(
    object(
      {
        users: orExpression({ ...names, description: 'Names of users.' }),
        roles: orExpression({ ...names, description: 'Names of roles.' }),
      },
      [],
      {
        description,
        minProperties: 1,
      },
    ),
  );

/** One step, or an array of them by rising time. */
const oneOrMore = ({ description = '', ...step }: JsonObject): JsonObject => ({
  description,
  anyOf: [step, { type: 'array', items: step, minItems: 1, maxItems: 20 }],
});

const codes = (description: string): JsonObject => ({ ...names, description });

const retry = object(
  {
    maxAttempts: integer(1, 1_000, 'Counts the first attempt: 1 means no retry.', { default: 3 }),
    backoff: oneOf(['fixed', 'linear', 'exponential'], 'How the delay grows from attempt to attempt.', { default: 'exponential' }),
    initial: writtenDuration('Delay before the second attempt.', { default: '1s' }),
    max: writtenDuration('The longest delay.', { default: '1m' }),
    jitter: oneOf(['spread', 'none'], '`spread`: delays differ by up to 25 %, so that what failed together does not come back together.', {
      default: 'spread',
    }),
    on: codes('Error codes after which there is a further attempt although the default would make none.'),
    nonRetryable: codes('Error codes after which there is no further attempt.'),
  },
  [],
  { description: 'Attempts and the delays between them.' },
);

const effort = (timeout: string): JsonObject => ({
  timeout: duration('How long each attempt may take, from its start in the worker.', { default: timeout }),
  queueTimeout: duration('How long an attempt may take from its dispatch to its outcome; at least `timeout`.'),
  retry,
});

const NO_EXPRESSION = '(?!.*\\$\\{)';
const eventType = literal(`^${NO_EXPRESSION}[^\\s]{1,255}$`, 'Type of the event, without expressions.');
const key = text('The correlation key, which selects among the events of this type.');
const where = condition('Condition that the event must meet; it sees `event`.');
const fieldValue: JsonObject = {
  anyOf: [{ type: ['string', 'number', 'boolean', 'null'] }, { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } }],
};
const fields = (description: string): JsonObject => orExpression({ type: 'object', additionalProperties: fieldValue, description });
const body: JsonObject = { $ref: '#/$defs/body' };

/** Which definition a child runs, and with what. */
const child: JsonObject = {
  definition: literal('^[A-Za-z][A-Za-z0-9_.-]{0,127}$', 'The definition that the child runs, written out.'),
  version: {
    description: 'A number, or the latest as it is when the child starts.',
    anyOf: [{ type: 'integer', minimum: 1, maximum: 2_147_483_647 }, { const: 'latest' }],
    default: 'latest',
  },
  input: anything('Of the child. Default {}.'),
};

const awaited: JsonObject = {
  detached: flag('The node completes as soon as the child is asked for.'),
  timeout: duration('After this time the child is cancelled, and the node has timed out.'),
};

export const nodeShapes: { readonly [type: string]: NodeShape } = {
  task: {
    description: 'Work that a handler of yours does.',
    fields: {
      task: literal('^[A-Za-z][A-Za-z0-9_.-]{0,127}$', 'Name of the handler, without expressions.'),
      input: anything('Input of the handler. Default {}.'),
      inputSchema: declaredSchema('The input that the handler gets.'),
      outputSchema: declaredSchema('The output that the handler returns.'),
      queue: {
        ...literal('^(?!http$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$', 'The queue whose workers run the task, without expressions.'),
        default: 'handlers',
      },
      ...effort('5m'),
    },
    required: ['task'],
  },
  http: {
    description: 'A request that the built-in worker sends. Its output is { status, headers, body }.',
    fields: {
      method: text('GET, POST, …', {
        pattern:
          '\\$\\{|^([Gg][Ee][Tt]|[Hh][Ee][Aa][Dd]|[Pp][Oo][Ss][Tt]|[Pp][Uu][Tt]|[Pp][Aa][Tt][Cc][Hh]|[Dd][Ee][Ll][Ee][Tt][Ee]|[Oo][Pp][Tt][Ii][Oo][Nn][Ss])$',
        examples: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
      }),
      url: text('The absolute URL. Values of expressions are encoded for the part of the URL in which they are.', {
        pattern: '^\\$\\{|^[Hh][Tt][Tt][Pp][Ss]?://',
      }),
      query: fields('Parameters of the query. An array repeats the name, null leaves it out.'),
      headers: orExpression({
        type: 'object',
        additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
        description: 'Headers: strings, numbers or booleans; null leaves a header out.',
      }),
      body: anything('Body of the request, sent as JSON; a string is sent as it is. Not allowed with GET and HEAD.'),
      bodyEncoding: oneOf(['none', 'base64'], '`base64`: `body` is a string of base64, and its bytes are sent.', { default: 'none' }),
      form: fields('Fields of a form, in place of `body`: sent as application/x-www-form-urlencoded.'),
      parse: oneOf(['auto', 'json', 'text', 'base64'], 'How the body of the response is read.', { default: 'auto' }),
      numbers: oneOf(['exact', 'string'], '`string` makes strings of numbers that have too many digits to be exact.', { default: 'exact' }),
      outputSchema: declaredSchema('The output.'),
      ...effort('30s'),
    },
    required: ['method', 'url'],
    more: { not: { required: ['body', 'form'] } },
  },
  transform: {
    description: 'Computes its output in the engine.',
    fields: {
      output: anything('The output: any JSON with expressions in it, or one expression.'),
      outputSchema: declaredSchema('The output.'),
    },
    required: ['output'],
  },
  human: {
    description: 'A task for people. Its output is what they complete it with.',
    fields: {
      title: text('Title of the task in the inbox.'),
      assignees: assignees('Who may complete the task: at least one user or role.'),
      form: declaredSchema('What a person completes the task with.'),
      due: duration('When the task is due. It is shown and searched; nothing happens at that time.'),
      outcomes: {
        ...names,
        items: literal('^[A-Za-z][A-Za-z0-9_-]{0,63}$', 'Name of an outcome.'),
        minItems: 2,
        maxItems: 20,
        description: 'What a person may choose between.',
      },
      approvals: object(
        {
          atLeast: integer(1, 50, 'Votes of different people that the task needs.', { default: 1 }),
          of: integer(1, 50, 'Together with `outcomes`: nobody else is asked after this many votes.'),
          notBy: {
            anyOf: [
              { type: 'string', minLength: 1 },
              { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
            ],
            description: 'People who may not decide.',
          },
        },
        [],
        { description: 'How many people decide, and who may not.' },
      ),
      reminder: oneOrMore(duration('How long after the start of the task a reminder is sent to the lifecycle topic.')),
      escalate: oneOrMore(
        object(
          {
            after: duration('How long after the start of the task it is reassigned.'),
            to: assignees('Who may complete the task from then on.'),
          },
          ['after', 'to'],
          {
            description: 'Reassigns the task when nobody has completed it in time.',
          },
        ),
      ),
      timeout: duration('How long the task may stay open. Then it is withdrawn, and the node times out.'),
    },
    required: ['title', 'assignees'],
  },
  wait: {
    description: 'Waits for a time: give `for` or `until`.',
    fields: { for: duration('How long to wait.'), until: instant('The time to wait for. If it has passed, the node completes at once.') },
    required: [],
    more: { oneOf: [{ required: ['for'] }, { required: ['until'] }] },
  },
  event: {
    description: 'Waits for events from outside.',
    fields: {
      event: eventType,
      key,
      where,
      anyOf: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: object({ event: eventType, key, where }, ['event', 'key']),
        description: 'Several events, in place of `event`, `key` and `where`: the first that comes counts.',
      },
      count: integer(1, 10_000, 'How many events to wait for. The output is then the array of them.'),
      timeout: duration('How long the node may take before it times out.'),
      onTimeout: oneOf(
        ['fail', 'take'],
        '`take`: at the timeout the node completes with the events that came. Needs `count` and `timeout`.',
        {
          default: 'fail',
        },
      ),
    },
    required: [],
    more: when(
      { required: ['anyOf'] },
      { not: { anyOf: [{ required: ['event'] }, { required: ['key'] }, { required: ['where'] }] } },
      { required: ['event', 'key'] },
    ),
  },
  publish: {
    description: 'Sends an event, and completes at once.',
    fields: {
      event: eventType,
      key,
      data: anything('Data of the event. Default {}.'),
      topic: literal('^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}$', 'A further topic to send the event to, out of MILLRACE_PUBLISH_TOPICS.'),
    },
    required: ['event', 'key'],
  },
  forEach: {
    description: 'Runs its body for each item of an array.',
    fields: {
      items: {
        description: 'The array, or an expression that gives it.',
        anyOf: [{ type: 'array' }, { type: 'string', pattern: '\\$\\{' }],
      },
      as: literal('^[A-Za-z_][A-Za-z0-9_]{0,63}$', 'Name of the item in the body, besides `item`.'),
      concurrency: integer(1, 100_000, 'How many items run at a time; default: all.'),
      onItemFailure: {
        description: 'What happens when an item fails.',
        anyOf: [
          { enum: ['fail', 'continue'] },
          object({ maxFailures: integer(0, 1_000_000_000, 'How many items may fail.') }, ['maxFailures']),
        ],
      },
      until: condition('Condition that ends the loop early. It sees `results`, `item` and `index`.'),
      atLeast: integer(1, 10_000, 'Ends the loop early when this many items have completed.'),
      timeout: duration('How long the node may take before it times out.'),
      body,
      workflow: object({ ...child, ...awaited }, ['definition'], { description: 'In place of `body`: a child instance for each item.' }),
    },
    required: ['items'],
    more: { not: { required: ['until', 'atLeast'] }, oneOf: [{ required: ['body'] }, { required: ['workflow'] }] },
  },
  repeat: {
    description: 'Runs its body again and again: give `until` or `while`.',
    fields: {
      until: condition('Condition that ends the loop, evaluated after each round. `last` is the output of the round.'),
      while: condition('Condition for another round, evaluated before each round.'),
      max: integer(1, 100_000, 'How many rounds may run.', { default: 1_000 }),
      delay: duration('How long to wait between two rounds.'),
      timeout: duration('How long the node may take before it times out.'),
      body,
    },
    required: ['body'],
    more: { oneOf: [{ required: ['until'] }, { required: ['while'] }] },
  },
  workflow: {
    description: 'Runs another definition as a child instance. Its output is that of the child.',
    fields: {
      ...child,
      ...awaited,
    },
    required: ['definition'],
    more: when({ properties: { detached: { const: true } }, required: ['detached'] }, { not: { required: ['timeout'] } }),
  },
};
