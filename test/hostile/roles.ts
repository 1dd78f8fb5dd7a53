/** Who may call which route of REST, by the names of OpenAPI: the least role; those behind it may as well. */
export const rolesInOrder = ['viewer', 'user', 'operator', 'admin'] as const;

type Role = (typeof rolesInOrder)[number];

const operations: Readonly<Record<Role, readonly string[]>> = {
  viewer: [
    ...['listDefinitions', 'getDefinition', 'getDefinitionVersion', 'drawDefinitionVersion'],
    ...['listInstances', 'getInstance', 'getHistory', 'listTasksOfInstance', 'drawInstance', 'streamInstance'],
    ...['listInbox', 'nextTask', 'getTask', 'listTriggers', 'getTriggers'],
  ],
  user: [
    ...['startInstance', 'fireTrigger', 'validateDefinition'],
    ...['claimTask', 'unclaimTask', 'completeTask', 'failTask', 'delegateTask', 'commentTask'],
  ],
  operator: [
    ...['cancelInstance', 'pauseInstance', 'resumeInstance', 'retryInstance', 'sendEvent'],
    ...['setVarsInstance', 'completeNodeInstance', 'skipNodeInstance'],
    ...['pauseTriggers', 'pauseTrigger', 'resumeTriggers', 'resumeTrigger'],
    ...['listDeadLetters', 'getDeadLetter', 'replayDeadLetter', 'discardDeadLetter'],
  ],
  admin: ['deployDefinition'],
};

/** undefined: the route is not listed, and has to be. */
export function leastRoleOf(operationId: string): Role | undefined {
  return rolesInOrder.find((role) => operations[role].includes(operationId));
}
