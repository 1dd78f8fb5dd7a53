/** Tasks and the inbox as REST shows them. Pure. */

import type * as contract from '../contract/tasks.ts';
import { type Marks, masked } from '../core/definition/typed/marks.ts';
import type { Definition, HumanNode } from '../core/definition/types.ts';
import type { EpochMs, NodeId } from '../core/ids.ts';
import { maskError, maskTitle } from '../core/instance/history/mask-event.ts';
import type { HumanTaskRow, TaskRow } from '../store/instance-queries.ts';
import { toText } from './instance-view.ts';

/** @param marks what is masked; null: nothing. @param mayDo whether the viewer may do the task, so that its title is whole. */
export function toTask(given: TaskRow, marks: Marks | null, mayDo = false): contract.Task {
  const row = marks === null ? given : maskRow(given, marks, mayDo);
  const { taskId, instanceId, nodeId, type, queue, attempt, input, output, error, assignee, human } = row;
  // Whom a task was taken from reads that it was, and not that an instance was cancelled.
  const status = human !== null && row.status === 'cancelled' ? 'withdrawn' : row.status;
  return {
    ...{ taskId, instanceId, nodeId, type, queue, status, attempt, input, output, error },
    omitted: [...row.omitted],
    title: human?.title ?? null,
    assignees: human === null ? null : copyAssignees(human),
    assignee,
    completedBy: human?.completedBy ?? null,
    completedAt: human?.endedAt === undefined ? null : toText(human.endedAt),
    outcome: human?.outcome ?? null,
    votes: (human?.votes ?? []).map(dated),
    comments: (human?.comments ?? []).map(dated),
    delegations: (human?.delegations ?? []).map(dated),
    dueAt: human?.dueAt == null ? null : toText(human.dueAt),
    openedAt: toText(row.openedAt),
    updatedAt: toText(row.updatedAt),
  };
}

/** @param definition of the instance; null where no form is to be shown. */
export function toTaskDetail(row: TaskRow, definition: Definition | null, marks: Marks | null, mayDo: boolean): contract.TaskDetail {
  const node = humanNodeOf(definition, row);
  if (node === null) return { ...toTask(row, marks, mayDo), outcomes: null, form: null };
  return { ...toTask(row, marks, mayDo), outcomes: node.outcomes === null ? null : [...node.outcomes], form: node.form?.document ?? null };
}

/** @returns null where the task is no human one, or its definition is not known. */
export function humanNodeOf(definition: Definition | null, { nodeId }: Pick<TaskRow, 'nodeId'>): HumanNode | null {
  const node = definition?.nodes.get(nodeId as NodeId);
  return node?.type === 'human' ? node : null;
}

/** @param marks what is masked; null: nothing. */
export function toInboxTask(row: HumanTaskRow, marks: Marks | null): contract.InboxTask {
  const { taskId, instanceId, nodeId, attempt, businessKey, assignee, dueAt, approvals, voters } = row;
  const title = marks === null ? row.title : maskTitle(marks, nodeId as NodeId, row.title);
  return {
    ...{ taskId, instanceId, nodeId, attempt, businessKey, title, assignee },
    approvals: approvals === null ? null : { atLeast: approvals.atLeast, of: approvals.of, votedBy: [...voters] },
    type: 'human',
    status: 'open',
    definition: { id: row.definitionId, version: row.definitionVersion },
    assignees: copyAssignees(row),
    dueAt: dueAt === null ? null : toText(dueAt),
    openedAt: toText(row.openedAt),
  };
}

function maskRow(row: TaskRow, marks: Marks, mayDo: boolean): TaskRow {
  const id = row.nodeId as NodeId;
  const { human, error } = row;
  return {
    ...row,
    input: masked(marks.nodeInput(id), row.input),
    output: masked(marks.nodeOutput(id), row.output),
    error: error === null ? null : maskError(error),
    human: human === null || mayDo ? human : { ...human, title: maskTitle(marks, id, human.title) },
  };
}

function dated<T extends { readonly at: EpochMs }>(remark: T): Omit<T, 'at'> & { readonly at: string } {
  return { ...remark, at: toText(remark.at) };
}

function copyAssignees({ assignees }: Pick<HumanTaskRow, 'assignees'>): { users: string[]; roles: string[] } {
  return { users: [...assignees.users], roles: [...assignees.roles] };
}
