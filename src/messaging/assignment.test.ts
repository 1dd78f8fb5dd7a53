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
    expect(assignment.takePending()).toEqual([{ ...p0, offset: 7n }]);
    expect(assignment.takePending()).toEqual([]);
    assignment.assign([p0]);
    expect(assignment.note(p0, 8n, 1)).toBe(false);
    expect(assignment.note(p0, 8n, 2)).toBe(true);
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
});
