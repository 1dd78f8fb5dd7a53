import { describe, expect, it } from 'vitest';
import type { Basis, CommandId, InstanceId, TaskPath } from '../../ids.ts';
import { childIdOf, commandIdFor, runIdOf, timeOf } from './child-id.ts';

const parent = '01890000-0000-7000-8000-000000000001' as InstanceId;
const at = Date.parse('2026-01-02T03:04:05.678Z');
const task = { path: 'ship' as TaskPath, attempt: 1, basis: 'b' as Basis };

describe('The id of a child', () => {
  it('is a UUIDv7 of the time at which it was asked for', () => {
    const id = childIdOf(parent, task, at);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(timeOf(id)).toBe(at);
  });

  it('is the same however often it is asked for', () => {
    expect(childIdOf(parent, task, at)).toBe(childIdOf(parent, task, at));
    expect(runIdOf(parent, 3, at)).toBe(runIdOf(parent, 3, at));
  });

  it('is another one for another task, attempt or basis, and for another run', () => {
    const others = [
      { ...task, path: 'ship.1' as TaskPath },
      { ...task, attempt: 2 },
      { ...task, basis: 'c' as Basis },
    ];
    const ids = [task, ...others].map((each) => childIdOf(parent, each, at));
    expect(new Set([...ids, runIdOf(parent, 1, at), runIdOf(parent, 2, at)]).size).toBe(6);
  });
});

it('a command has one id for each child that it goes down to', () => {
  const command = '01890000-0000-7000-9000-000000000001' as CommandId;
  const children = [1, 2].map((attempt) => childIdOf(parent, { ...task, attempt }, at));
  const ids = children.map((child) => commandIdFor(command, child));
  expect(new Set(ids).size).toBe(2);
  expect(children.map((child) => commandIdFor(command, child))).toEqual(ids);
});
