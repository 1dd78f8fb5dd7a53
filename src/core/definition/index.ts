/** Workflow definitions: parses a JSON document into a compiled definition, or into all errors in it. Pure. */

export { type DefinitionErrorCode, type DefinitionWarningCode, definitionErrorCodes, definitionWarningCodes } from './errors.ts';
export { nodePointerOf } from './graph-scope.ts';
export { type DefinitionLimits, defaultDefinitionLimits, storedDefinitionLimits } from './limits.ts';
export { createParsing, createTypedParsing, type ParseOptions, parseDefinition, parseTyped, type TypedDefinition } from './parse.ts';
export {
  type ChildDefinition,
  childrenNamedIn,
  definitionChildren,
  definitionEventTypes,
  definitionQueues,
  definitionTopics,
  scheduleTriggers,
  triggerEventTypes,
} from './requirements.ts';
export { type BreakingChange, breakingChanges } from './typed/breaking.ts';
export type { KnownChild, KnownChildren } from './typed/known.ts';
