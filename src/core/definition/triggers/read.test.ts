/** What starts instances by itself, as a definition says it. */
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../json.ts';
import { defaultDefinitionLimits, definitionEventTypes, parseDefinition, triggerEventTypes } from '../index.ts';
import { errorsOf, graphOf } from '../testing/documents.ts';

const withTriggers = (triggers: Json, more: JsonObject = {}): JsonObject => graphOf(['a'], [], { ...more, triggers });
const nightly = { schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin' } };
const paid = { event: 'order.paid' };

/** What is wrong, the triggers, and the only error: its code, its place, and how its sentence begins. */
const cases: readonly (readonly [string, Json, readonly [code: string, pointer: string, sentence: string]])[] = [
  ['triggers that are no array', {}, ['MR_DEF_SHAPE', '/triggers', '"triggers" must be an array.']],
  ['a trigger that is no object', ['daily'], ['MR_DEF_SHAPE', '/triggers/0', 'A trigger must be an object with "event" or "schedule".']],
  ['a trigger by nothing', [{ input: 1 }], ['MR_DEF_MISSING_FIELD', '/triggers/0', 'A trigger needs "event"']],
  ['a trigger by both', [{ ...paid, ...nightly }], ['MR_DEF_SHAPE', '/triggers/0/schedule', '"schedule" cannot stand beside "event"']],
  [
    'a field that triggers do not have',
    [{ ...paid, where: 'true' }],
    ['MR_DEF_UNKNOWN_FIELD', '/triggers/0/where', 'A trigger has no field "where". Did you mean "when"?'],
  ],
  ['an event that is no string', [{ event: 7 }], ['MR_DEF_SHAPE', '/triggers/0/event', '"event" must be a string that is not empty.']],
  ['an event with a blank', [{ event: 'a b' }], ['MR_DEF_SHAPE', '/triggers/0/event', '"a b" cannot be the event']],
  ['an event that is an expression', [{ event: '${ now }' }], ['MR_DEF_LITERAL', '/triggers/0/event', '"event" must be written out']],
  [
    'a condition in braces',
    [{ ...paid, when: '${ true }' }],
    ['MR_DEF_EXPRESSION', '/triggers/0/when', 'A condition is an expression by itself'],
  ],
  ['a condition that is no string', [{ ...paid, when: true }], ['MR_DEF_SHAPE', '/triggers/0/when', 'A condition must be a string']],
  [
    'a condition that does not parse',
    [{ ...paid, when: 'event.' }],
    ['MR_DEF_EXPRESSION', '/triggers/0/when', 'The expression cannot be used'],
  ],
  [
    'a condition on the input',
    [{ ...paid, when: 'input.a' }],
    ['MR_DEF_UNKNOWN_ROOT', '/triggers/0/when', '"input" cannot be used here: a trigger by event sees "event" and "now".'],
  ],
  [
    'an input from a node',
    [{ ...paid, input: { x: '${ nodes.a.output }' } }],
    ['MR_DEF_UNKNOWN_ROOT', '/triggers/0/input/x', '"nodes" cannot'],
  ],
  ['a key from a variable', [{ ...paid, key: '${ vars.a }' }], ['MR_DEF_UNKNOWN_ROOT', '/triggers/0/key', '"vars" cannot be used here']],
  ['a key that is no string', [{ ...paid, key: 1 }], ['MR_DEF_SHAPE', '/triggers/0/key', '"key" must be a string that is not empty.']],
  [
    'a key that is too long',
    [{ ...paid, key: 'k'.repeat(256) }],
    ['MR_DEF_SHAPE', '/triggers/0/key', '"key" must be a business key of at most 255'],
  ],
  ['a name that cannot be one', [{ ...paid, name: '1st' }], ['MR_DEF_ID', '/triggers/0/name', '"1st" cannot be the name of a trigger']],
  ['a name that is no string', [{ ...paid, name: 1 }], ['MR_DEF_SHAPE', '/triggers/0/name', '"name" must be a string that is not empty.']],
  [
    'a name twice',
    [
      { ...paid, name: 'x' },
      { ...nightly, name: 'x' },
    ],
    ['MR_DEF_DUPLICATE', '/triggers/1/name', 'Another trigger is called "x" already'],
  ],
  ['a schedule that is a string', [{ schedule: '30 2 * * *' }], ['MR_DEF_SHAPE', '/triggers/0/schedule', '"schedule" must be an object.']],
  ['a schedule without cron', [{ schedule: {} }], ['MR_DEF_MISSING_FIELD', '/triggers/0/schedule', 'The field "cron" is missing']],
  ['a cron that is a number', [{ schedule: { cron: 5 } }], ['MR_DEF_SHAPE', '/triggers/0/schedule/cron', '"cron" must be a string']],
  [
    'a cron that is none',
    [{ schedule: { cron: '61 * * * *' } }],
    ['MR_DEF_CRON', '/triggers/0/schedule/cron', '"61 * * * *" cannot be a cron expression: Invalid value for minute: 61.'],
  ],
  [
    'a zone that there is not',
    [{ schedule: { cron: '0 0 * * *', timeZone: 'Europe/Berlim' } }],
    ['MR_DEF_TIME_ZONE', '/triggers/0/schedule/timeZone', 'There is no time zone "Europe/Berlim": use a name of the IANA database'],
  ],
  [
    'an offset for a zone',
    [{ schedule: { cron: '0 0 * * *', timeZone: '+01:00' } }],
    ['MR_DEF_TIME_ZONE', '/triggers/0/schedule/timeZone', 'There is no time zone "+01:00"'],
  ],
  [
    'a zone that is no string',
    [{ schedule: { cron: '0 0 * * *', timeZone: 1 } }],
    ['MR_DEF_TIME_ZONE', '/triggers/0/schedule/timeZone', 'A time zone is a string'],
  ],
  [
    'an overlap that there is not',
    [{ schedule: { cron: '0 0 * * *', overlap: 'skipp' } }],
    ['MR_DEF_SHAPE', '/triggers/0/schedule/overlap', '"overlap" must be one of "skip", "queue", "allow". Did you mean "skip"?'],
  ],
  [
    'a way to catch up that there is not',
    [{ schedule: { cron: '0 0 * * *', catchUp: 'all' } }],
    ['MR_DEF_SHAPE', '/triggers/0/schedule/catchUp', '"catchUp" must be one of "last", "none".'],
  ],
  [
    'a field that schedules do not have',
    [{ schedule: { cron: '0 0 * * *', timezone: 'UTC' } }],
    ['MR_DEF_UNKNOWN_FIELD', '/triggers/0/schedule/timezone', 'A schedule has no field "timezone". Did you mean "timeZone"?'],
  ],
  [
    'a condition of a schedule',
    [{ ...nightly, when: 'true' }],
    ['MR_DEF_SHAPE', '/triggers/0/when', '"when" belongs to a trigger by event'],
  ],
  ['a key of a schedule', [{ ...nightly, key: 'k' }], ['MR_DEF_SHAPE', '/triggers/0/key', '"key" belongs to a trigger by event']],
  [
    'an event in a schedule',
    [{ ...nightly, input: '${ event.data }' }],
    ['MR_DEF_UNKNOWN_ROOT', '/triggers/0/input', '"event" cannot be used here: a trigger by schedule sees "schedule" and "now".'],
  ],
  [
    'what a schedule does not have',
    [{ ...nightly, input: '${ schedule.tiem }' }],
    ['MR_DEF_UNKNOWN_MEMBER', '/triggers/0/input', '"schedule" has no member "tiem", only name, time, timeZone. Did you mean "time"?'],
  ],
];

describe('A definition is refused', () => {
  it.each(cases)('for %s', (_, triggers, [code, pointer, sentence]) => {
    const errors = errorsOf(withTriggers(triggers));
    expect(errors.map((error) => [error.code, error.pointer])).toEqual([[code, pointer]]);
    expect(errors[0]?.message).toContain(sentence);
  });

  it('for an input without expressions that does not fit its own schema', () => {
    const input = { type: 'object', required: ['day'], properties: { day: { type: 'string' } } };
    const errors = errorsOf(withTriggers([nightly, { ...nightly, input: { day: 1 } }, { ...nightly, input: { day: 'x' } }], { input }));
    expect(errors.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['MR_DEF_SHAPE', '/triggers/0/input'],
      ['MR_DEF_SHAPE', '/triggers/1/input/day'],
    ]);
    expect(errors[1]?.message).toContain('The input does not fit the definition\'s "input"');
  });

  it('for more triggers than the limit, with every error of those within', () => {
    const limits = { ...defaultDefinitionLimits, triggers: 2 };
    const read = parseDefinition(withTriggers([{ event: '' }, { schedule: { cron: 'x' } }, { event: '' }]), { version: 1, limits });
    expect(read.ok ? [] : read.error.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'MR_DEF_LIMIT /triggers',
      'MR_DEF_SHAPE /triggers/0/event',
      'MR_DEF_CRON /triggers/1/schedule/cron',
    ]);
  });

  it('for "schedule" outside of triggers', () => {
    const errors = errorsOf(graphOf({ a: { type: 'transform', output: '${ schedule.time }' } }));
    expect(errors.map(({ pointer }) => pointer)).toEqual(['/nodes/a/output']);
  });
});

describe('Triggers', () => {
  const parsed = parseDefinition(
    withTriggers([
      { ...paid, when: 'event.data.total > 100', input: { order: '${ event.data.order }' }, key: '${ event.key }' },
      { ...nightly, name: 'nightly', input: { at: '${ schedule.time }', of: '${ schedule.name }' } },
    ]),
    { version: 1 },
  );
  const definition = parsed.ok ? parsed.value : null;

  it('are called by their name or their place, and skip and catch up unless they say otherwise', () => {
    expect(definition?.triggers.map(({ kind, name }) => [kind, name])).toEqual([
      ['event', '1'],
      ['schedule', 'nightly'],
    ]);
    expect(definition?.triggers[1]).toMatchObject({
      timeZone: 'Europe/Berlin',
      overlap: 'skip',
      catchUp: 'last',
      expression: '30 2 * * *',
    });
  });

  it('name the types of events that a deploy must know', () => {
    expect(definition && definitionEventTypes(definition)).toEqual(['order.paid']);
    expect(definition && triggerEventTypes(definition)).toEqual(['order.paid']);
  });
});
