/**
 * A JSON Schema of definitions for editors: completion, hover text, and simple errors while typing. Errors in graphs, expressions
 * and references are found by the parser only (`millrace validate`). The schema never refuses what the parser accepts.
 */
import type { JsonObject } from '../core/json.ts';
import { nodeShapes } from './nodes.ts';
import { anything, condition, declaredSchema, duration, flag, instant, integer, literal, object, oneOf, text, when } from './shapes.ts';

const title: JsonObject = { type: 'string', maxLength: 500, description: 'Title that people read.' };
const description: JsonObject = { type: 'string', maxLength: 10_000, description: 'Description that people read.' };
const labels: JsonObject = {
  type: 'object',
  maxProperties: 100,
  propertyNames: { minLength: 1, maxLength: 100 },
  additionalProperties: { type: 'string', maxLength: 500 },
  description: 'Labels that people read: strings by their names.',
};

const variables = (words: string): JsonObject => ({
  type: 'object',
  propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' },
  description: words,
});

const common: JsonObject = {
  title,
  description,
  labels,
  join: {
    description: 'How many of the edges that lead to the node must be taken before it runs.',
    anyOf: [
      { enum: ['all', 'any'] },
      object({ atLeast: integer(1, 100_000, 'The node runs at the n-th edge that is taken.') }, ['atLeast']),
    ],
    default: 'all',
  },
  cancelRest: flag('With a join other than "all": cancels the branches that are still open when the node runs.'),
  set: variables('New values of variables, set when the node completes.'),
};

const graph = {
  nodes: {
    type: 'object',
    minProperties: 1,
    propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' },
    additionalProperties: { $ref: '#/$defs/node' },
    description: 'The nodes by their ids.',
  },
  edges: {
    type: 'array',
    items: { $ref: '#/$defs/edge' },
    description: 'The edges between the nodes. Nodes without incoming edges run at the start.',
  },
} as const satisfies JsonObject;

const edge = object(
  {
    id: literal('^[A-Za-z][A-Za-z0-9_-]{0,63}$', 'Name of the edge in the history.'),
    from: text('The node that the edge leaves.'),
    to: { type: ['string', 'null'], minLength: 1, description: 'The node that the edge leads to; null, together with `otherwise`: none.' },
    when: condition('Condition under which the edge is taken.'),
    otherwise: flag('The edge is taken when no other edge of the completed node is.'),
    on: oneOf(['failed', 'timedOut', 'any'], 'The edge is taken when the node failed, when it timed out, or in both cases.'),
    error: text('Together with `on`: the error code for which the edge is taken.'),
  },
  ['from', 'to'],
  {
    allOf: [
      when(
        { properties: { otherwise: { const: true } }, required: ['otherwise'] },
        { not: { anyOf: [{ required: ['when'] }, { required: ['on'] }] } },
        { properties: { to: { type: 'string' } } },
      ),
      when({ required: ['error'] }, { required: ['on'] }),
    ],
  },
);

const trigger: JsonObject = object(
  {
    name: literal('^[A-Za-z][A-Za-z0-9_-]{0,63}$', 'Name of the trigger, the same in every version.'),
    event: text('The type of the events that start an instance.'),
    when: condition('Condition that an event must meet to start an instance.'),
    input: anything('The input of the instance, with expressions in it.'),
    key: text('The business key of the instance, usually an expression.'),
    schedule: object(
      {
        cron: text('Minute, hour, day of month, month, day of week.', { examples: ['30 2 * * *'] }),
        timeZone: text('Time zone of the cron expression, by its name in the IANA database.', { default: 'UTC' }),
        overlap: oneOf(['skip', 'queue', 'allow'], 'What happens at a time of the schedule when the run before has not ended.', {
          default: 'skip',
        }),
        catchUp: oneOf(['last', 'none'], 'Which of the missed times run later.', { default: 'last' }),
      },
      ['cron'],
      { description: 'The times at which instances start.' },
    ),
  },
  [],
  { oneOf: [{ required: ['event'] }, { required: ['schedule'] }] },
);

const types = Object.entries(nodeShapes);

/** Types of nodes that can be compensations, and types that cannot have one. */
const undoing = ['task', 'http', 'publish', 'workflow'];
/** A compensation is waited for. */
const fieldsOfUndoing = ({ detached: _, ...fields }: JsonObject): JsonObject => fields;
const withoutCompensation = ['wait', 'forEach', 'repeat'];
const compensationOf = (type: string): JsonObject =>
  withoutCompensation.includes(type) ? {} : { compensation: { $ref: '#/$defs/compensation' } };

export const definitionSchema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Millrace workflow definition',
  ...object(
    {
      id: literal('^[A-Za-z][A-Za-z0-9_.-]{0,127}$', 'The name under which the definition is deployed.'),
      title,
      description,
      labels,
      input: declaredSchema('The input of an instance.'),
      vars: variables('Variables and their first values.'),
      ...graph,
      output: anything('Output of a completed instance: any JSON with expressions in it, or one expression.'),
      timeout: duration('How long an instance may take.'),
      deadline: instant('The time at which an instance times out.'),
      onFailure: oneOf(['incident', 'fail', 'compensate'], 'What happens when a node fails and no edge fits.', { default: 'incident' }),
      lifecycle: oneOf(
        ['instance', 'starts', 'tasks'],
        '`starts` sends a lifecycle record also for each start, `tasks` for each start and each step of a task.',
        { default: 'instance' },
      ),
      continuation: {
        type: 'boolean',
        default: false,
        description: 'Whether workers may run the next task of an instance right after the one before, where the deployment allows it.',
      },
      triggers: { type: 'array', items: trigger, description: 'Events and schedules that start instances.' },
    },
    ['id', 'nodes'],
  ),
  $defs: {
    body: object({ ...graph, output: anything('Output of an item or round.') }, ['nodes'], {
      description: 'The graph that the loop runs.',
    }),
    edge,
    node: {
      type: 'object',
      properties: { type: { enum: types.map(([type]) => type), description: 'Type of the node.' } },
      required: ['type'],
      allOf: types.map(([type]) => when({ properties: { type: { const: type } }, required: ['type'] }, { $ref: `#/$defs/${type}` })),
    },
    ...Object.fromEntries(
      types.map(([type, { description: words, fields, required, more = {} }]) => [
        type,
        object({ type: { const: type, description: words }, ...common, ...compensationOf(type), ...fields }, ['type', ...required], {
          description: words,
          ...more,
        }),
      ]),
    ),
    compensation: {
      description: 'The node that undoes this one when the instance fails, is cancelled or times out. Needs `"onFailure": "compensate"`.',
      type: 'object',
      properties: { type: { enum: undoing, description: 'Type of the compensating node.' } },
      required: ['type'],
      allOf: types
        .filter(([type]) => undoing.includes(type))
        .map(([type, { fields, required, more = {} }]) =>
          when(
            { properties: { type: { const: type } }, required: ['type'] },
            object({ type: { const: type }, title, description, labels, ...fieldsOfUndoing(fields) }, ['type', ...required], more),
          ),
        ),
    },
  },
};

export function definitionSchemaText(): string {
  return `${JSON.stringify(definitionSchema, null, 2)}\n`;
}
