/** Who may call which route of REST, by the names of OpenAPI: the least role; those behind it may as well. */
export const rolesInOrder = ['viewer', 'user', 'operator', 'admin'] as const;

type Role = (typeof rolesInOrder)[number];

const operations: Readonly<Record<Role, readonly string[]>> = {
  viewer: [
    ...['listDefinitions', 'getDefinition', 'getDefinitionVersion', 'drawDefinitionVersion'],
    ...['listInstances', 'getInstance', 'getHistory', 'listTasksOfInstance', 'drawInstance', 'streamInstance'],
    ...['listInbox', 'nextTask', 'getTask', 'listTriggers', 'getTriggers'],
    ...['listJobs', 'getJob', 'listJobResults', 'listQueues'],
  ],
  user: [
    ...['startInstance', 'fireTrigger', 'validateDefinition'],
    ...['claimTask', 'unclaimTask', 'completeTask', 'failTask', 'delegateTask', 'commentTask'],
  ],
  operator: [
    ...['cancelInstance', 'pauseInstance', 'resumeInstance', 'retryInstance', 'sendEvent'],
    ...['setVarsInstance', 'completeNodeInstance', 'skipNodeInstance', 'rerunNodeInstance', 'migrateInstance'],
    ...['createJob', 'listVerdicts', 'pauseJob', 'resumeJob', 'cancelJob'],
    ...['pauseTriggers', 'pauseTrigger', 'resumeTriggers', 'resumeTrigger'],
    ...['pauseQueue', 'resumeQueue'],
    ...['listDeadLetters', 'getDeadLetter', 'replayDeadLetter', 'discardDeadLetter'],
  ],
  admin: ['deployDefinition'],
};

/** For keys of workers, and for nobody else: what they read is never masked. A worker may call nothing else. */
export const operationsOfWorkers: readonly string[] = ['getTaskInput', 'putTaskOutput'];

/** Who may have a view without masks. */
export const leastRoleToUnmask: Role = 'operator';

/** undefined: the route is for workers, or is not listed, and has to be. */
export function leastRoleOf(operationId: string): Role | undefined {
  return rolesInOrder.find((role) => operations[role].includes(operationId));
}
