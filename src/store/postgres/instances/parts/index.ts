/** All parts of the statements that `start` and `apply` share. */
import { bookChildren, strikeChildren } from './child-rows.ts';
import { writeCommandResults } from './command-results.ts';
import { closeHumanTasks, deleteClaims, openHumanTasks, reassignHumanTasks } from './human-task-rows.ts';
import { closeIncidents, raiseIncidents } from './incident-rows.ts';
import { sendMessages } from './messages.ts';
import type { Part } from './part.ts';
import { deleteScopes, writeScopes } from './scope-rows.ts';
import { insertTasks, updateTasks } from './task-rows.ts';
import { armTimers, disarmTimers } from './timer-rows.ts';
import { deleteClosedSubscriptions, deleteClosedWaits, lockClosedWaits, openSubscriptions, openWaits } from './wait-rows.ts';

export { partsSql, partsValues } from './part.ts';

/** What every step writes. */
export const plainParts: readonly Part[] = [insertTasks, updateTasks, sendMessages];

/** Also those for which most steps write nothing. */
export const allParts: readonly Part[] = [
  ...plainParts,
  writeScopes,
  deleteScopes,
  armTimers,
  disarmTimers,
  openWaits,
  openSubscriptions,
  lockClosedWaits,
  deleteClosedSubscriptions,
  deleteClosedWaits,
  openHumanTasks,
  reassignHumanTasks,
  closeHumanTasks,
  deleteClaims,
  writeCommandResults,
  bookChildren,
  strikeChildren,
  raiseIncidents,
  closeIncidents,
];
