import { describe, expect, it } from 'vitest';
import type { TaskPath } from '../core/ids.ts';
import type { InstanceEvent } from '../core/instance/history/events.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import { humanRecords } from './human-task-record.ts';

const path = 'look' as TaskPath;
const ada = { users: ['ada'], roles: [] };
const boss = { users: [], roles: ['boss'] };

const historyOf = (...events: readonly object[]): HistoryEntry[] =>
  events.map((event, index) => ({ seq: index + 1, cause: 'test', event: { path, at: 1_000, ...event } as InstanceEvent }));
const opened = { type: 'HumanTaskOpened', title: 'Look', assignees: ada, dueAt: 5_000 };
const record = { title: 'Look', assignees: ada, dueAt: 5_000, completedBy: null };

describe('The record of a human task', () => {
  it('has its title, assignees and due time from the beginning', () => {
    expect(humanRecords(historyOf(opened), null)).toEqual(new Map([[path, record]]));
  });

  it('keeps them when somebody completes or fails it, and says who it was', () => {
    const completed = historyOf(opened, { type: 'TaskCompleted', kind: 'human', by: 'ada' });
    expect(humanRecords(completed, null).get(path)).toEqual({ ...record, completedBy: 'ada' });
    const failed = historyOf(opened, { type: 'TaskFailed', kind: 'human', by: 'bob' });
    expect(humanRecords(failed, null).get(path)).toEqual({ ...record, completedBy: 'bob' });
  });

  it('names nobody when it timed out', () => {
    expect(humanRecords(historyOf(opened, { type: 'TaskFailed', kind: 'human', by: null }), null).get(path)).toEqual(record);
  });

  it('has the assignees of an escalation, also one that opened in an earlier step', () => {
    const task = { path, type: 'human', status: 'open', title: 'Look', assignees: ada, dueAt: 5_000 };
    const before = { scopes: { '': { path: '', status: 'open', tasks: { [path]: task } } } } as unknown as InstanceState;
    const escalated = historyOf({ type: 'HumanTaskEscalated', assignees: boss });
    expect(humanRecords(escalated, before).get(path)).toEqual({ ...record, assignees: boss });
    const completed = historyOf({ type: 'TaskCompleted', kind: 'human', by: 'eve' });
    expect(humanRecords(completed, before).get(path)).toEqual({ ...record, completedBy: 'eve' });
  });

  it('stays when the node is completed once more, as a correction: in one history as in two steps', () => {
    const corrected = { type: 'TaskCompleted', kind: 'human', by: 'admin' };
    const history = historyOf(opened, { type: 'TaskFailed', kind: 'human', by: 'ada' }, corrected);
    expect(humanRecords(history, null).get(path)).toEqual({ ...record, completedBy: 'ada' });
    const closed = { path, type: 'human', status: 'failed' };
    const before = { scopes: { '': { path: '', status: 'open', tasks: { [path]: closed } } } } as unknown as InstanceState;
    expect(humanRecords(historyOf(corrected), before).size).toBe(0);
  });

  it('begins anew when the task opens anew', () => {
    const again = historyOf(opened, { type: 'TaskFailed', kind: 'human', by: 'ada' }, { ...opened, title: 'Look again', dueAt: null });
    expect(humanRecords(again, null).get(path)).toEqual({ ...record, title: 'Look again', dueAt: null });
  });

  it('is not made for other tasks', () => {
    expect(humanRecords(historyOf({ type: 'TaskCompleted', kind: 'transform', by: null }), null).size).toBe(0);
  });
});
