/** The port of reading the instance database, on Postgres. Each answer is one snapshot. */
import type { InstanceQueries } from '../../instance-queries.ts';
import type { Pool } from '../connection/pools.ts';
import { closeDeadLetter, deadLetter, deadLetters } from '../dead-letters.ts';
import { inbox, inboxTask, nextTask } from '../human-tasks/inbox.ts';
import { triggers } from '../triggers/trigger-list.ts';
import { books } from './books.ts';
import { fullHistory, history } from './history.ts';
import { instanceIds, listInstances, runningByVersion } from './instance-list.ts';
import { findInstance, getInstance, getWholeInstance, startByKey, versionsOf } from './instance-view.ts';
import { getTask, listTasks } from './task-list.ts';

export function createInstanceQueries(pool: Pool): InstanceQueries {
  return {
    list: (filter, limit, cursor) => listInstances(pool, filter, limit, cursor),
    find: (instanceId) => findInstance(pool, instanceId),
    versionsOf: (instanceIds) => versionsOf(pool, instanceIds),
    getWhole: (instanceId) => getWholeInstance(pool, instanceId),
    get: (instanceId) => getInstance(pool, instanceId),
    startByKey: (definitionId, key) => startByKey(pool, definitionId, key),
    history: (instanceId, from, limit, options) => history(pool, instanceId, from, limit, options),
    fullHistory: (instanceId) => fullHistory(pool, instanceId),
    tasks: (instanceId, limit, cursor) => listTasks(pool, instanceId, limit, cursor),
    task: (instanceId, path) => getTask(pool, instanceId, path),
    inbox: (filter, limit, cursor) => inbox(pool, filter, limit, cursor),
    nextTask: (mine) => nextTask(pool, mine),
    inboxTask: (instanceId, path) => inboxTask(pool, instanceId, path),
    runningByVersion: (definitionId) => runningByVersion(pool, definitionId),
    deadLetters: (status, limit, cursor) => deadLetters(pool, status, limit, cursor),
    deadLetter: (id) => deadLetter(pool, id),
    closeDeadLetter: (id, status, by) => closeDeadLetter(pool, id, status, by),
    triggers: (definitionId, limit, cursor) => triggers(pool, definitionId, limit, cursor),
    books: (instanceId) => books(pool, instanceId),
    instanceIds: (after, limit) => instanceIds(pool, after, limit),
  };
}
