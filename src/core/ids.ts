/**
 * Identifiers of the domain, branded so that one kind never stands in for another. No id is random here: an instance id comes from
 * outside, and all others are derived from it.
 */
declare const brand: unique symbol;
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** UUIDv7 in lower case. */
export type InstanceId = Branded<string, 'InstanceId'>;
/** `<instanceId>.<path>`: every task names its instance, and so its partition. */
export type TaskId = Branded<string, 'TaskId'>;
/** Node ids and round or item numbers joined by dots, e.g. `order.3.ship`. Without loops it is the node id. */
export type TaskPath = Branded<string, 'TaskPath'>;
/** `[A-Za-z][A-Za-z0-9_-]{0,63}` */
export type NodeId = Branded<string, 'NodeId'>;
/**
 * Names an edge within its graph, in every version: given by the author, or derived from its ends (`a->b`, `a->` for an
 * edge that leads nowhere, `a->b#2` for a second one between the same nodes).
 */
export type EdgeId = Branded<string, 'EdgeId'>;
/** Path of a loop's item or round, e.g. `order.3`; `''` is the instance's own scope. */
export type ScopePath = Branded<string, 'ScopePath'>;
/** Like a node id, with dots allowed. */
export type DefinitionId = Branded<string, 'DefinitionId'>;
/** UUID of a control command. */
export type CommandId = Branded<string, 'CommandId'>;
/** UUIDv7 of a bulk job. */
export type JobId = Branded<string, 'JobId'>;
/** What a task was decided from: a hash, see `instance/basis.ts` and protocol rule "A step" 1. */
export type Basis = Branded<string, 'Basis'>;
/** Milliseconds since 1970-01-01T00:00Z, by the clock of the instance database. */
export type EpochMs = number;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NODE_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const DEFINITION_ID = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const PATH = /^[A-Za-z][A-Za-z0-9_-]{0,63}(\.([0-9]{1,9}|[A-Za-z][A-Za-z0-9_-]{0,63}))*$/;

export function parseInstanceId(text: string): InstanceId | undefined {
  return UUID.test(text) ? (text as InstanceId) : undefined;
}

export function parseCommandId(text: string): CommandId | undefined {
  return UUID.test(text) ? (text as CommandId) : undefined;
}

export function parseJobId(text: string): JobId | undefined {
  return UUID.test(text) ? (text as JobId) : undefined;
}

export function parseNodeId(text: string): NodeId | undefined {
  return NODE_ID.test(text) ? (text as NodeId) : undefined;
}

export function parseDefinitionId(text: string): DefinitionId | undefined {
  return DEFINITION_ID.test(text) ? (text as DefinitionId) : undefined;
}

/** The least UUIDv7 of a millisecond: ids of instances are in the order of their making. */
export function firstIdAt(at: EpochMs): InstanceId {
  const hex = Math.max(0, Math.min(at, 0xffff_ffff_ffff)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000` as InstanceId;
}

export function taskIdOf(instanceId: InstanceId, path: TaskPath): TaskId {
  return `${instanceId}.${path}` as TaskId;
}

/** Splits a task id into its instance and its path; undefined when it is not one. */
export function parseTaskId(text: string): { readonly instanceId: InstanceId; readonly path: TaskPath } | undefined {
  const instanceId = parseInstanceId(text.slice(0, 36));
  const path = text.slice(37);
  if (instanceId === undefined || text[36] !== '.' || !PATH.test(path)) return undefined;
  return { instanceId, path: path as TaskPath };
}
