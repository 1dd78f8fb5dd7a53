import { describe, expect, it } from 'vitest';
import type { DefinitionId, InstanceId, TaskPath } from '../../core/ids.ts';
import type { ChildEnd, ChildRequest, ChildResult, Parent } from '../../core/instance/children/messages.ts';
import { readChildEndRecord, toChildEndRecord } from './child-end.ts';
import { readChildStartRecord, toChildStartRecord } from './child-start.ts';
import { readChildWordRecord, toChildWordRecord } from './child-word.ts';

const childId = '01890000-0000-7000-8000-000000000009' as InstanceId;
const parentId = '01890000-0000-7000-8000-000000000001' as InstanceId;
const parents: readonly Parent[] = [
  { kind: 'instance', instanceId: parentId, path: 'order.3.ship' as TaskPath, attempt: 2 },
  { kind: 'schedule', scheduleId: parentId, run: 41 },
];
const requestOf = (parent: Parent): ChildRequest => {
  const definitionId = 'shipping' as DefinitionId;
  return { parent, depth: 3, detached: false, wish: 'pause', number: 7, definitionId, definitionVersion: null };
};
const [ofInstance, ofSchedule] = parents;
if (ofInstance === undefined || ofSchedule === undefined) throw new Error('unreachable: both stand above');

describe.each(parents)('A record between a child and its parent ($kind)', (parent) => {
  it('of a start reads as it was written', () => {
    const start = { type: 'ChildStart', request: requestOf(parent), input: { a: [1, null] }, businessKey: 'k' } as const;
    const record = toChildStartRecord(childId, start, 9);
    expect(record).toMatchObject({ instanceId: childId, parentId });
    expect(readChildStartRecord(record)).toEqual(start);
  });

  it('of a word reads as it was written', () => {
    const request = { ...requestOf(parent), definitionVersion: 4, detached: true };
    expect(readChildWordRecord(toChildWordRecord(childId, request, 9))).toEqual({ type: 'ChildWord', request });
  });

  it.each<ChildResult>([
    { status: 'completed', output: { b: 'x' } },
    { status: 'completed', output: null },
    { status: 'failed', error: { code: 'SOLD_OUT', message: 'no more' } },
    { status: 'cancelled' },
    { status: 'started' },
    { status: 'unknown' },
    { status: 'gone' },
  ])('of an end ($status) reads as it was written', (result) => {
    const end: ChildEnd = { type: 'ChildEnd', childId, parent, result };
    const record = toChildEndRecord(end, 9);
    expect(record.instanceId).toBe(parentId);
    expect(readChildEndRecord(record)).toEqual(end);
  });
});

describe('A record is invalid', () => {
  const word = toChildWordRecord(childId, requestOf(ofInstance), 9);
  const start = toChildStartRecord(childId, { request: requestOf(ofInstance), input: 1, businessKey: null }, 9);
  const end = toChildEndRecord({ type: 'ChildEnd', childId, parent: ofInstance, result: { status: 'cancelled' } }, 9);

  it.each([
    ['a parent without an id', { parentId: 'me' }, 'the id of the parent is no UUID'],
    ['a kind of parent to come', { parentKind: 'job' }, 'a kind of parent that this version does not know'],
    ['no task of the parent', { parentTaskId: null }, 'the parent is an instance, and its task or attempt is missing'],
    ['a task of another', { parentTaskId: `${childId}.a` }, 'the parent is an instance, and its task or attempt is missing'],
    ['a schedule without a run', { parentKind: 'schedule' }, 'the parent is a schedule, and its run is missing'],
    ['a wish to come', { wish: 'undo' }, 'a wish that this version does not know'],
    ['no definition', { definitionId: '' }, 'the definitionId is none'],
  ])('with %s', (_, change, reason) => {
    expect(readChildWordRecord({ ...word, ...change })).toEqual({ code: 'MR_MESSAGE_INVALID', reason });
    expect(readChildStartRecord({ ...start, ...change })).toEqual({ code: 'MR_MESSAGE_INVALID', reason });
  });

  it('whose input or output is no JSON', () => {
    expect(readChildStartRecord({ ...start, input: '{' })).toMatchObject({ reason: expect.stringContaining('the input cannot be read') });
    expect(readChildEndRecord({ ...end, result: 'completed', output: '{' })).toMatchObject({
      reason: expect.stringContaining('the output cannot be read'),
    });
  });

  it.each([
    [{ childId: 'x' }, 'the childId is no UUID'],
    [{ result: 'failed' }, 'a failed child without an error'],
    [{ result: 'vanished' }, 'an end that this version does not know'],
    [{ parentKind: 'schedule' }, 'the parent is a schedule, and its run is missing'],
  ])('with the end %j', (change, reason) => {
    expect(readChildEndRecord({ ...end, ...change })).toEqual({ code: 'MR_MESSAGE_INVALID', reason });
  });
});
