/** Tasks and the inbox as REST shows them. Pure. */

import type * as contract from '../contract/tasks.ts';
import type { Definition } from '../core/definition/types.ts';
import type { HumanTaskRow, TaskRow } from '../store/instance-queries.ts';
import { toText } from './instance-view.ts';

export function toTask(row: TaskRow): contract.Task {
  const { taskId, instanceId, nodeId, type, queue, status, attempt, input, output, error, assignee, human } = row;
  return {
    ...{ taskId, instanceId, nodeId, type, queue, status, attempt, input, output, error },
    title: human?.title ?? null,
    assignees: human === null ? null : copyAssignees(human),
    assignee,
    completedBy: human?.completedBy ?? null,
    dueAt: human?.dueAt == null ? null : toText(human.dueAt),
    openedAt: toText(row.openedAt),
    updatedAt: toText(row.updatedAt),
  };
}

/** @param definition of the instance; null where no form is to be shown. */
export function toTaskDetail(row: TaskRow, definition: Definition | null): contract.TaskDetail {
  const node = definition === null ? undefined : [...definition.nodes.values()].find(({ id }) => id === row.nodeId);
  return { ...toTask(row), form: node?.type === 'human' ? (node.form?.document ?? null) : null };
}

export function toInboxTask(row: HumanTaskRow): contract.InboxTask {
  const { taskId, instanceId, nodeId, businessKey, title, assignee, dueAt } = row;
  return {
    ...{ taskId, instanceId, nodeId, businessKey, title, assignee },
    type: 'human',
    status: 'open',
    definition: { id: row.definitionId, version: row.definitionVersion },
    assignees: copyAssignees(row),
    dueAt: dueAt === null ? null : toText(dueAt),
    openedAt: toText(row.openedAt),
  };
}

function copyAssignees({ assignees }: Pick<HumanTaskRow, 'assignees'>): { users: string[]; roles: string[] } {
  return { users: [...assignees.users], roles: [...assignees.roles] };
}
