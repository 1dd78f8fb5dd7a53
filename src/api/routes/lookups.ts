/** Finds the instance, task or definition that a request names, or throws: 404 if the path names it, 400 if a parameter does. */
import type * as contract from '../../contract/instances.ts';
import type { Definition } from '../../core/definition/types.ts';
import { type InstanceId, parseDefinitionId, parseInstanceId, parseTaskId, type TaskPath } from '../../core/ids.ts';
import type { FoundInstance, InstanceFilter, InstanceView } from '../../store/instance-queries.ts';
import type { RouteContext } from '../context.ts';
import { ApiProblem, notFound } from '../problem.ts';

export function instanceIdOf(text: string): InstanceId {
  const id = parseInstanceId(text);
  if (id === undefined) throw notFound('There is no such instance.');
  return id;
}

/** @param parameter of the query, in which the id was sent. */
export function instanceIdIn(parameter: string, text: string): InstanceId {
  const id = parseInstanceId(text);
  if (id === undefined)
    throw new ApiProblem('MR_REQUEST_INVALID', `The request is invalid: ${parameter} is not an instance id.`, {
      errors: [{ pointer: `/query/${parameter}`, message: 'Expected an instance id.' }],
    });
  return id;
}

/** @throws a 400 where `parent` is no id. */
export function instanceFilterOf({ parent, startedFrom, startedTo, ...same }: contract.InstanceFilter): InstanceFilter {
  return {
    ...same,
    ...(parent === undefined ? {} : { parent: instanceIdIn('parent', parent) }),
    ...(startedFrom === undefined ? {} : { startedFrom: Date.parse(startedFrom) }),
    ...(startedTo === undefined ? {} : { startedTo: Date.parse(startedTo) }),
  };
}

export function taskOf(text: string): { readonly instanceId: InstanceId; readonly path: TaskPath } {
  const parsed = parseTaskId(text);
  if (parsed === undefined) throw notFound('There is no such task.');
  return parsed;
}

export async function findInstance({ ports }: RouteContext, id: InstanceId): Promise<InstanceView> {
  const view = await ports.queries.get(id);
  if (view === null) throw notFound('There is no such instance.');
  return view;
}

/** @throws a 404 */
export async function assertInstance({ ports }: RouteContext, id: InstanceId): Promise<FoundInstance> {
  const found = await ports.queries.find(id);
  if (found === null) throw notFound('There is no such instance.');
  return found;
}

export async function findDefinition(context: RouteContext, id: string, version: number): Promise<Definition> {
  const definitionId = parseDefinitionId(id);
  const definition = definitionId === undefined ? null : await context.ports.cache.get(definitionId, version);
  if (definition === null) throw notFound(`There is no version ${version} of a definition ${id.slice(0, 130)}.`);
  return definition;
}
