/** The record DefinitionVersion: a version of a definition, from an orchestrator to workers that go on by themselves. */
import type { Definition } from '../../core/definition/types.ts';
import type * as records from '../generated/records.ts';

export function toVersionRecord({ id, version, document }: Pick<Definition, 'id' | 'version' | 'document'>): records.DefinitionVersion {
  return { definitionId: id, version, document: JSON.stringify(document) };
}

/** A version has one place in the compacted topic, however often it is written. */
export function versionKeyOf(id: string, version: number): string {
  return `${id}@${version}`;
}
