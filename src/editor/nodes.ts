/** For each type of node the fields that it takes, with words for hover text. `editor-schema.test.ts` holds them against the parser. */
import type { JsonObject } from '../core/json.ts';
import {
  anything,
  condition,
  duration,
  instant,
  integer,
  jsonSchema,
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
  timeout: duration('Of each attempt, from its start in the worker.', { default: timeout }),
  queueTimeout: duration('From dispatch to outcome, at least `timeout`.'),
  retry,
});

const NO_EXPRESSION = '(?!.*\\$\\{)';
const eventType = literal(`^${NO_EXPRESSION}[^\\s]{1,255}$`, 'Type of the event, written out.');
const key = text('The correlation key: which of the events of this type is meant.');
const where = condition('Has to hold for the event; it sees `event`.');
const fieldValue: JsonObject = {
  anyOf: [{ type: ['string', 'number', 'boolean', 'null'] }, { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } }],
};
const fields = (description: string): JsonObject => orExpression({ type: 'object', additionalProperties: fieldValue, description });
const body: JsonObject = { $ref: '#/$defs/body' };

export const nodeShapes: { readonly [type: string]: NodeShape } = {
  task: {
    description: 'Work that a handler of yours does.',
    fields: {
      task: literal('^[A-Za-z][A-Za-z0-9_.-]{0,127}$', 'Name of the handler, written out.'),
      input: anything('What the handler gets. Default {}.'),
      inputSchema: jsonSchema('Of what the handler gets.'),
      outputSchema: jsonSchema('Of what the handler gives.'),
      queue: { ...literal('^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$', 'Whose workers run it, written out.'), default: 'handlers' },
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
      url: text('The whole address. Values in it are encoded by where they stand.', { pattern: '^\\$\\{|^[Hh][Tt][Tt][Pp][Ss]?://' }),
      query: fields('Arrays repeat the name, null leaves it out.'),
      headers: orExpression({
        type: 'object',
        additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
        description: 'Strings, numbers or booleans; null leaves a header out.',
      }),
      body: anything('Sent as JSON; a string as it is. Not with GET and HEAD.'),
      form: fields('In place of `body`: sent as application/x-www-form-urlencoded.'),
      parse: oneOf(['auto', 'json', 'text', 'base64'], 'How the body of the answer is read.', { default: 'auto' }),
      numbers: oneOf(['exact', 'string'], '`string`: numbers too long to be exact are strings.', { default: 'exact' }),
      outputSchema: jsonSchema('Of the output.'),
      ...effort('30s'),
    },
    required: ['method', 'url'],
    more: { not: { required: ['body', 'form'] } },
  },
  transform: {
    description: 'Evaluates its output in the engine.',
    fields: {
      output: anything('Any JSON with expressions in it, or one whole expression.'),
      outputSchema: jsonSchema('Of the output.'),
    },
    required: ['output'],
  },
  human: {
    description: 'A task for people. Its output is what completed it.',
    fields: {
      title: text('What they read in the inbox.'),
      assignees: assignees('Who may do it: at least one name.'),
      form: jsonSchema('Of what completes it.'),
      due: duration('When it ought to be done: shown and searched, nothing more.'),
      outcomes: {
        ...names,
        items: literal('^[A-Za-z][A-Za-z0-9_-]{0,63}$', 'An outcome.'),
        minItems: 2,
        maxItems: 20,
        description: 'What a person may choose between.',
      },
      approvals: object(
        {
          atLeast: integer(1, 50, 'Votes of different people that the task needs.', { default: 1 }),
          of: integer(1, 50, 'Beside `outcomes`: after so many votes nobody else is asked.'),
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
      reminder: oneOrMore(duration('After this time there is a reminder on the lifecycle topic.')),
      escalate: oneOrMore(
        object({ after: duration('How long after the start of the task.'), to: assignees('Whom it goes to then.') }, ['after', 'to'], {
          description: 'After a time it goes to others instead.',
        }),
      ),
      timeout: duration('After this time it is withdrawn, and the node has timed out.'),
    },
    required: ['title', 'assignees'],
  },
  wait: {
    description: 'Lets time pass: give `for` or `until`.',
    fields: { for: duration('So long.'), until: instant('Until this time; one that has passed goes on at once.') },
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
        description: 'In place of `event`, `key` and `where`: the first that comes.',
      },
      count: integer(1, 10_000, 'Waits for so many, and gives the array of them.'),
      timeout: duration('After this time the node has timed out.'),
      onTimeout: oneOf(['fail', 'take'], '`take`: on timeout the node completes with what came. Needs `count` and `timeout`.', {
        default: 'fail',
      }),
    },
    required: [],
    more: when(
      { required: ['anyOf'] },
      { not: { anyOf: [{ required: ['event'] }, { required: ['key'] }, { required: ['where'] }] } },
      { required: ['event', 'key'] },
    ),
  },
  publish: {
    description: 'Sends an event and goes on at once.',
    fields: {
      event: eventType,
      key,
      data: anything('Default {}.'),
      topic: literal('^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}$', 'One of the topics that the configuration lists: it goes there too.'),
    },
    required: ['event', 'key'],
  },
  forEach: {
    description: 'Runs its body for each item of an array.',
    fields: {
      items: {
        description: 'An array, or an expression that gives one.',
        anyOf: [{ type: 'array' }, { type: 'string', pattern: '\\$\\{' }],
      },
      as: literal('^[A-Za-z_][A-Za-z0-9_]{0,63}$', 'A name for the item in the body, besides `item`.'),
      concurrency: integer(1, 100_000, 'How many items run at a time; default: all.'),
      onItemFailure: {
        description: 'What happens when an item fails.',
        anyOf: [
          { enum: ['fail', 'continue'] },
          object({ maxFailures: integer(0, 1_000_000_000, 'How many items may fail.') }, ['maxFailures']),
        ],
      },
      until: condition('Ends the loop early once it holds; sees `results`, `item` and `index`.'),
      atLeast: integer(1, 10_000, 'Ends the loop early once so many items have completed.'),
      timeout: duration('After this time the node has timed out.'),
      body,
    },
    required: ['items', 'body'],
    more: { not: { required: ['until', 'atLeast'] } },
  },
  repeat: {
    description: 'Runs its body again and again: give `until` or `while`.',
    fields: {
      until: condition('Asked after a round: ends the loop. `last` is the output of the round.'),
      while: condition('Asked before a round: lets it run.'),
      max: integer(1, 100_000, 'How many rounds may run.', { default: 1_000 }),
      delay: duration('Between the end of a round and the next one.'),
      timeout: duration('After this time the node has timed out.'),
      body,
    },
    required: ['body'],
    more: { oneOf: [{ required: ['until'] }, { required: ['while'] }] },
  },
};
