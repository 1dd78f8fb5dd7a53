/** What times, the items of a loop and the inputs of triggers get: refused at deploy where it certainly does not fit. */
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../json.ts';
import { errorsOf, graphOf } from '../testing/documents.ts';

const input = {
  type: 'object',
  required: ['day'],
  properties: {
    day: { type: 'string' },
    cents: { type: 'integer' },
    lines: { type: 'array', items: { type: 'string' } },
    maybe: { type: ['array', 'null'] },
    any: {},
  },
};
const body = { nodes: { a: { type: 'transform', output: 1 } } };

function told(node: Json, more: JsonObject = {}): readonly string[] {
  return errorsOf(graphOf({ a: node }, [], { input, ...more })).map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
}
const forEach = (items: Json): Json => ({ type: 'forEach', items, body });

describe('A value of the wrong type is refused', () => {
  it.each<readonly [string, Json, string]>([
    [
      'a number of items',
      forEach('${ input.cents }'),
      '/nodes/a/items What a forEach goes through must be an array, but this gives integer.',
    ],
    ['a string of items', forEach('${ input.day }'), '/nodes/a/items What a forEach goes through must be an array, but this gives string.'],
    [
      'a text around items',
      forEach('all ${ input.any }'),
      '/nodes/a/items What a forEach goes through must be an array, but this gives string.',
    ],
    [
      'a size for items',
      forEach('${ size(input.lines) }'),
      '/nodes/a/items What a forEach goes through must be an array, but this gives integer.',
    ],
    ['a number for a time', { type: 'wait', until: '${ input.cents }' }, '/nodes/a/until A time must be a string, but this gives integer.'],
    [
      'an array for a duration',
      { type: 'wait', for: '${ input.lines }' },
      '/nodes/a/for A duration must be a string, but this gives array.',
    ],
  ])('%s', (_, node, sentence) => {
    expect(told(node)).toEqual([`MR_DEF_TYPE ${sentence}`]);
  });
});

it.each<Json>([
  forEach('${ input.lines }'),
  forEach('${ input.maybe }'),
  forEach('${ input.any }'),
  forEach('${ input.lines.filter(l, l != "") }'),
  forEach(['${ input.cents }']),
  { type: 'wait', until: '${ input.day }T09:00:00Z' },
  { type: 'wait', for: '${ input.any }' },
  { type: 'wait', for: '${ string(input.cents) }s' },
])('what may fit is taken: %j', (node) => {
  expect(told(node)).toEqual([]);
});

describe('The input of a trigger', () => {
  const of = (trigger: JsonObject) => told({ type: 'transform', output: 1 }, { triggers: [trigger] });

  it.each<readonly [string, JsonObject, readonly string[]]>([
    [
      'lacks what is required',
      { event: 'paid', input: { cents: '${ event.data.cents }' } },
      ['/triggers/0/input The property "day" is missing.'],
    ],
    [
      'has another type',
      { schedule: { cron: '0 0 * * *' }, input: { day: '${ schedule.time }', cents: '${ schedule.name }' } },
      ['/triggers/0/input/cents This is string'],
    ],
    [
      'has what was said already',
      { event: 'paid', input: { day: '${ event.nope }' } },
      ['/triggers/0/input/day "event" has no member "nope"'],
    ],
  ])('is refused where it %s', (_, trigger, sentences) => {
    const errors = of(trigger).map((error) =>
      error.replace(/^MR_DEF_\w+ /, '').replace('This does not fit the definition\'s "input". ', ''),
    );
    expect(errors).toHaveLength(sentences.length);
    for (const [index, sentence] of sentences.entries()) expect(errors[index]).toContain(sentence);
  });

  it.each<JsonObject>([
    { event: 'paid', input: '${ event.data }' },
    { event: 'paid', input: { day: '${ event.data.day }' } },
    { event: 'paid', input: { day: '${ event.time }' } },
    { schedule: { cron: '0 0 * * *' }, input: { day: '${ schedule.time }' } },
  ])('is taken where it may fit: %j', (trigger) => {
    expect(of(trigger)).toEqual([]);
  });
});
