/** Workflow definitions: from a JSON document to what the core runs, or to everything that is wrong with it. Pure. */
export { definitionEventTypes, definitionQueues, definitionTopics } from './demands.ts';
export { type DefinitionFaultCode, definitionFaultCodes } from './faults.ts';
export { type DefinitionLimits, defaultDefinitionLimits, storedDefinitionLimits } from './limits.ts';
export { type ParseOptions, parseDefinition } from './parse.ts';
