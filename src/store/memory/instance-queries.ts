/** Reading the instance database in memory. */

import { type InstanceId, taskIdOf } from '../../core/ids.ts';
import { addressOf } from '../../core/instance/children/messages.ts';
import { incidentsOf } from '../../core/instance/state/scopes.ts';
import { hasEnded, type InstanceState, statusOf } from '../../core/instance/state/state.ts';
import { type Json, jsonByteLength } from '../../core/json.ts';
import { patterns } from '../cursor.ts';
import type {
  DeadLetterRow,
  HistoryPage,
  HumanTaskFilter,
  HumanTaskRow,
  InstanceFilter,
  InstanceQueries,
  InstanceRow,
  Mine,
  PendingCommand,
  TaskRow,
} from '../instance-queries.ts';
import { listed } from '../listed-dead-letter.ts';
import { listedBytesMax, pageBytesMax, pendingMax } from '../page-limits.ts';
import type { TriggersRow } from '../schedules.ts';
import { booksOf } from './books.ts';
import { claimOf } from './claims.ts';
import { hasVoted, isDecided } from './commands.ts';
import { closeDeadLetter, deadLetter } from './dead-letters.ts';
import { type List, page } from './pages.ts';
import { type MemoryTables, type OpenHumanTask, type StoredTask, taskKey, usedKey } from './tables.ts';
import { triggersRows } from './triggers.ts';

const instances: List<InstanceState> = {
  ...{ name: 'instances', patterns: [patterns.uuid], order: 'descending' },
  position: ({ instanceId }) => [instanceId],
};
const tasks: List<StoredTask> = {
  ...{ name: 'tasks', patterns: [patterns.integer, patterns.name], order: 'descending' },
  position: ({ openedAt, path }) => [openedAt, path],
};
const people: List<OpenHumanTask> = {
  ...{ name: 'inbox', patterns: [patterns.integer], order: 'descending' },
  position: ({ id }) => [id],
};
const deadLetters: List<DeadLetterRow> = {
  ...{ name: 'dead-letters', patterns: [patterns.integer], order: 'descending' },
  position: ({ id }) => [Number(id)],
};

const triggers: List<TriggersRow> = {
  ...{ name: 'triggers', patterns: [patterns.name], order: 'ascending' },
  position: ({ definitionId }) => [definitionId],
};

export function createMemoryInstanceQueries(tables: MemoryTables): InstanceQueries {
  const stateOf = (id: InstanceId): InstanceState | undefined => tables.instances.get(id)?.state;
  const statesWhere = (fits: (state: InstanceState) => boolean): InstanceState[] =>
    [...tables.instances.values()].map(({ state }) => state).filter(fits);
  const queries: InstanceQueries = {
    list: async (filter, limit, cursor) =>
      page(
        instances,
        statesWhere((state) => isInstance(tables, state, filter)),
        limit,
        cursor,
        rowOf,
      ),
    async get(instanceId) {
      const found = tables.instances.get(instanceId);
      if (found === undefined) return null;
      return { row: rowOf(found.state), version: found.version, state: found.state, pending: pendingOf(tables, instanceId) };
    },
    async find(instanceId) {
      const found = tables.instances.get(instanceId);
      return found === undefined ? null : { row: rowOf(found.state), seq: found.state.seq };
    },
    versionsOf: async (instanceIds) =>
      new Map(
        instanceIds.flatMap((id) => {
          const version = tables.instances.get(id)?.version;
          return version === undefined ? [] : [[id, version] as const];
        }),
      ),
    getWhole: (instanceId) => queries.get(instanceId),
    async startByKey(definitionId, key) {
      const used = usedKey(tables, definitionId, key);
      if (used === null) return null;
      const { instanceId, definitionVersion, bodyHash } = used;
      return { instanceId, definitionVersion, bodyHash };
    },
    async history(instanceId, from, limit, { types, order = 'asc', bytesMax = pageBytesMax } = {}) {
      const all = (tables.instances.get(instanceId)?.history ?? []).filter(
        ({ event }) => types === undefined || types.includes(event.type),
      );
      const isBehind = (seq: number) => from === null || (order === 'asc' ? seq > from : seq < from);
      const after = (order === 'asc' ? all : all.toReversed()).filter(({ seq }) => isBehind(seq));
      const entries: HistoryPage['entries'][number][] = [];
      let bytes = 0;
      for (const entry of after.slice(0, limit)) {
        bytes += jsonByteLength(entry as unknown as Json);
        if (entries.length > 0 && bytes > bytesMax) break;
        entries.push(entry);
      }
      return { entries, hasMore: entries.length < after.length };
    },
    fullHistory: async (instanceId) => [...(tables.instances.get(instanceId)?.history ?? [])],
    async tasks(instanceId, limit, cursor) {
      const found = [...(tables.instances.get(instanceId)?.tasks.values() ?? [])];
      return page(tasks, found, limit, cursor, (task) => listedTask(taskOf(tables, task)));
    },
    async task(instanceId, path) {
      const found = tables.instances.get(instanceId)?.tasks.get(path);
      return found === undefined ? null : taskOf(tables, found);
    },
    async inbox(filter, limit, cursor) {
      const found = [...tables.humanTasks.values()].filter((task) => !isDecided(tables, task) && isHumanTask(tables, task, filter));
      return page(people, found, limit, cursor, (task) => humanTaskOf(tables, task));
    },
    async nextTask(mine) {
      const found = [...tables.humanTasks.values()].filter((task) => !isDecided(tables, task) && isMine(tables, task, mine));
      const rank = (task: OpenHumanTask): number => (claimOf(tables, task.instanceId, task.path) === null ? 1 : 0);
      const [next] = found.sort(
        (a, b) => rank(a) - rank(b) || (a.dueAt ?? Number.MAX_VALUE) - (b.dueAt ?? Number.MAX_VALUE) || a.id - b.id,
      );
      return next === undefined ? null : humanTaskOf(tables, next);
    },
    async inboxTask(instanceId, path) {
      const found = tables.humanTasks.get(taskKey(instanceId, path));
      return found === undefined || isDecided(tables, found) ? null : humanTaskOf(tables, found);
    },
    async runningByVersion(definitionId) {
      const running = statesWhere((state) => state.definitionId === definitionId && !hasEnded(state));
      const byVersion = Map.groupBy(running, ({ definitionVersion }) => definitionVersion);
      return [...byVersion].map(([version, { length }]) => ({ version, running: length })).sort((a, b) => b.version - a.version);
    },
    async deadLetters(status, limit, cursor) {
      const found = [...tables.deadLetters.values()].filter((deadLetter) => deadLetter.status === status);
      return page(deadLetters, found, limit, cursor, ({ id }) => listed(deadLetter(tables, id) ?? unreachable()));
    },
    deadLetter: async (id) => deadLetter(tables, id),
    closeDeadLetter: async (id, status) => closeDeadLetter(tables, id, status),
    triggers: async (definitionId, limit, cursor) => page(triggers, triggersRows(tables, definitionId), limit, cursor, (row) => row),
    books: async (instanceId) => booksOf(tables, instanceId),
    async instanceIds(after, limit) {
      const ids = [...tables.instances.keys()].filter((id) => after === null || id > after);
      return ids.sort().slice(0, limit);
    },
  };
  return queries;

  function taskOf({ claims: _ }: Pick<MemoryTables, 'claims'>, { timeoutMs: __, dispatchedAt: ___, ...task }: StoredTask): TaskRow {
    const { instanceId, path } = task;
    const state = stateOf(instanceId) ?? unreachable();
    const { definitionId, definitionVersion } = state;
    return {
      taskId: taskIdOf(instanceId, path),
      ...task,
      omitted: [],
      definitionId,
      definitionVersion,
      assignee: claimOf(tables, instanceId, path),
    };
  }
}

function listedTask(task: TaskRow): TaskRow {
  const omitted = (['input', 'output'] as const).filter((name) => jsonByteLength(task[name]) > listedBytesMax);
  return { ...task, ...Object.fromEntries(omitted.map((name) => [name, null])), omitted };
}

export function rowOf(state: InstanceState): InstanceRow {
  const { instanceId, definitionId, definitionVersion, businessKey, startedAt: createdAt, updatedAt } = state;
  return { instanceId, definitionId, definitionVersion, businessKey, status: statusOf(state), createdAt, updatedAt };
}

export function isInstance(tables: MemoryTables, state: InstanceState, filter: InstanceFilter): boolean {
  const { status, definition, version, businessKey, parent, retrying, incidentCode, startedFrom, startedTo } = filter;
  return (
    (status === undefined || statusOf(state) === status) &&
    (definition === undefined || state.definitionId === definition) &&
    (version === undefined || state.definitionVersion === version) &&
    (businessKey === undefined || state.businessKey === businessKey) &&
    (parent === undefined || (state.parent !== undefined && addressOf(state.parent.parent) === parent)) &&
    (retrying === undefined || isRetrying(tables, state.instanceId) === retrying) &&
    (incidentCode === undefined || Object.values(incidentsOf(state)).some(({ error }) => error.code === incidentCode)) &&
    (startedFrom === undefined || state.startedAt >= startedFrom) &&
    (startedTo === undefined || state.startedAt < startedTo)
  );
}

function isRetrying({ timers }: MemoryTables, instanceId: InstanceId): boolean {
  return [...timers.values()].some((timer) => timer.kind === 'retry' && timer.instanceId === instanceId);
}

function pendingOf({ commands }: MemoryTables, instanceId: InstanceId): readonly PendingCommand[] {
  return [...commands.values()]
    .filter((command) => command.instanceId === instanceId && command.result.status === 'pending')
    .slice(0, pendingMax)
    .map(({ commandId, type, path, by, at }) => ({ commandId, type, path, by, at }));
}

function isHumanTask(tables: MemoryTables, task: OpenHumanTask, filter: HumanTaskFilter): boolean {
  const { assignee, role, mine, dueBefore, instanceId, definition } = filter;
  const { users, roles } = task.assignees;
  const isOfPerson = (person: string): boolean => users.includes(person) || claimOf(tables, task.instanceId, task.path) === person;
  return (
    (assignee === undefined || isOfPerson(assignee)) &&
    (role === undefined || roles.includes(role)) &&
    (mine === undefined || isMine(tables, task, mine)) &&
    (dueBefore === undefined || (task.dueAt !== null && task.dueAt < dueBefore)) &&
    (instanceId === undefined || task.instanceId === instanceId) &&
    (definition === undefined || tables.instances.get(task.instanceId)?.state.definitionId === definition)
  );
}

/** Claimed or votable by nobody but this person. A vote that is not applied yet counts. */
function isMine(tables: MemoryTables, task: OpenHumanTask, { person, roles }: Mine): boolean {
  const holder = claimOf(tables, task.instanceId, task.path);
  const isForMe = task.assignees.users.includes(person) || task.assignees.roles.some((role) => roles.includes(role));
  return (holder === person || (holder === null && isForMe)) && !task.excluded.includes(person) && !hasVoted(tables, task, person);
}

function humanTaskOf(tables: MemoryTables, { id: _, ...task }: OpenHumanTask): HumanTaskRow {
  const { definitionId, definitionVersion, businessKey } = tables.instances.get(task.instanceId)?.state ?? unreachable();
  const assignee = claimOf(tables, task.instanceId, task.path);
  return { taskId: taskIdOf(task.instanceId, task.path), ...task, definitionId, definitionVersion, businessKey, assignee };
}

function unreachable(): never {
  throw new Error('Bug: a row names an instance that is not there');
}
