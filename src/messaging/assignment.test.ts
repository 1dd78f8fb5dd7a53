import { describe, expect, test } from 'vitest';
import { Assignment } from './assignment.ts';
import type { LogBatch, LogRecord } from './log.ts';

const p0 = { topic: 't', partition: 0 };
const p1 = { topic: 't', partition: 1 };

function records(...offsets: number[]): LogRecord[] {
  return offsets.map((offset) => ({ ...p0, offset: BigInt(offset), timestamp: 0, key: null, value: null, headers: [] }));
}

function observed() {
  const told: string[] = [];
  const batches: LogBatch[] = [];
  const assignment = new Assignment({
    onBatch: (batch) => batches.push(batch),
    onAssigned: (partitions, generation) => told.push(`+${partitions.length}@${generation}`),
    onRevoked: (partitions, generation) => told.push(`-${partitions.length}@${generation}`),
  });
  return { assignment, told, batches };
}

describe('Assignment', () => {
  test('revokes everything before it assigns anew', () => {
    const { assignment, told } = observed();
    assignment.assign([p0, p1]);
    assignment.assign([p1]);
    assignment.revoke();
    assignment.revoke();
    expect(told).toEqual(['+2@1', '-2@1', '+1@2', '-1@2']);
  });

  test('hands over only what is assigned', () => {
    const { assignment, batches } = observed();
    assignment.assign([p0]);
    expect(assignment.take(p1, records(1), 2n)).toBe('ignored');
    expect(assignment.take(p0, records(1), 2n)).toBe('handedOver');
    expect(batches).toHaveLength(1);
    assignment.close();
    expect(assignment.take(p0, records(2), 3n)).toBe('ignored');
  });

  test('does not take the first batch of a partition that it had before: it may be of an older fetch', () => {
    const { assignment, batches } = observed();
    assignment.assign([p0]);
    assignment.take(p0, records(5), 9n);
    assignment.assign([p0, p1]);
    expect(assignment.take(p0, records(6), 9n)).toBe('ignored');
    expect(assignment.take(p0, records(5), 9n)).toBe('handedOver');
    expect(assignment.take(p1, records(0), 9n)).toBe('handedOver');
    expect(batches.map(({ generation }) => generation)).toEqual([1, 2, 2]);
  });

  test('begins again when offsets go back', () => {
    const { assignment } = observed();
    assignment.assign([p0]);
    assignment.take(p0, records(5, 8), 9n);
    expect(() => assignment.take(p0, records(8), 9n)).toThrow('went back from 9 to 8');
  });

  test('commits forward, and only for the present generation', () => {
    const { assignment } = observed();
    assignment.assign([p0]);
    assignment.take(p0, records(5, 6, 7), 20n);
    expect(assignment.note(p0, 7n, 1)).toBe(true);
    expect(assignment.note(p0, 6n, 1)).toBe(false);
    expect(assignment.note(p1, 7n, 1)).toBe(false);
    expect(assignment.takePending()).toEqual([{ ...p0, offset: 7n, note: '' }]);
    expect(assignment.takePending()).toEqual([]);
    assignment.assign([p0]);
    expect(assignment.note(p0, 8n, 1)).toBe(false);
    expect(assignment.note(p0, 8n, 2)).toBe(true);
  });

  test('commits a note beside the offset, again only when it changes, and none when it lets go', () => {
    const { assignment } = observed();
    assignment.assign([p0]);
    expect(assignment.annotate(p0, 'a', 2)).toBe(false);
    // Nothing was read, so there is no offset to put it beside.
    expect(assignment.annotate(p0, 'a', 1)).toBe(true);
    expect(assignment.takePending()).toEqual([]);
    assignment.take(p0, records(5, 6), 9n);
    expect(assignment.takePending()).toEqual([{ ...p0, offset: 5n, note: 'a' }]);
    expect(assignment.annotate(p0, 'a', 1)).toBe(false);
    expect(assignment.takePending()).toEqual([]);
    assignment.note(p0, 6n, 1);
    expect(assignment.takePending()).toEqual([{ ...p0, offset: 6n, note: 'a' }]);
    assignment.dropNotes();
    expect(assignment.takePending()).toEqual([{ ...p0, offset: 6n, note: '' }]);
  });

  test('tells how far it is behind', () => {
    const { assignment } = observed();
    assignment.assign([p0, p1]);
    assignment.take(p0, records(5, 6, 7), 20n);
    expect(assignment.lag()).toEqual([
      { ...p0, lag: 15 },
      { ...p1, lag: 0 },
    ]);
    assignment.note(p0, 8n, 1);
    expect(assignment.lag()[0]?.lag).toBe(12);
  });

  describe("what is nobody's record", () => {
    test('is passed at once when everything before it is dealt with', () => {
      const { assignment } = observed();
      assignment.assign([p0, p1]);
      assignment.take(p0, records(5, 6), 7n);
      assignment.note(p0, 7n, 1);
      expect(assignment.skip(p0, 7n, 8n, 8n)).toBe(8n);
      assignment.note(p0, 8n, 1);
      expect(assignment.lag()[0]?.lag).toBe(0);
      // The state of a new member.
      expect(assignment.skip(p1, 3n, 4n, 4n)).toBe(4n);
    });

    test('is passed with the last record before it, when that is still under way', () => {
      const { assignment } = observed();
      assignment.assign([p0]);
      assignment.take(p0, records(5, 6), 8n);
      expect(assignment.skip(p0, 7n, 8n, 8n)).toBeNull();
      assignment.note(p0, 6n, 1);
      expect(assignment.lag()[0]?.lag).toBe(2);
      assignment.note(p0, 7n, 1);
      expect(assignment.takePending()).toEqual([{ ...p0, offset: 8n, note: '' }]);
      expect(assignment.lag()[0]?.lag).toBe(0);
    });

    test('is left alone where it may have been fetched in another generation', () => {
      const { assignment } = observed();
      assignment.assign([p0]);
      assignment.assign([p0]);
      expect(assignment.skip(p0, 7n, 8n, 8n)).toBeNull();
      expect(assignment.skip(p1, 7n, 8n, 8n)).toBeNull();
    });
  });
});
