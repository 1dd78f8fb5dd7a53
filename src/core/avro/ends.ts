/** Finds records that no value can fit, since each would hold another one of itself. */
import { shown } from '../definition/errors.ts';
import type { SchemaError } from '../schema/types.ts';
import type { AvroField, AvroSchema, AvroType } from './types.ts';

export function checkEnds({ named }: AvroSchema): readonly SchemaError[] {
  const ending = new Set<string>();
  const ends = (type: AvroType): boolean => {
    if (type.kind === 'union') return type.branches.some(ends);
    return type.kind !== 'named' || ending.has(type.name);
  };
  // What has a default may be left out.
  const isEndless = (field: AvroField): boolean => field.default === undefined && !ends(field.type);
  // Each round finds those that hold only what the rounds before have found.
  for (let found = -1; found !== ending.size; ) {
    found = ending.size;
    for (const [name, type] of named) if (type.kind !== 'record' || !type.fields.some(isEndless)) ending.add(name);
  }
  return [...named].flatMap(([name, type]) => {
    const field = ending.has(name) || type.kind !== 'record' ? undefined : type.fields.find(isEndless);
    if (field === undefined) return [];
    const message = `A record ${shown(name)} would hold another one without end: let the field ${shown(field.name)} be a union with "null".`;
    return [{ pointer: field.type.pointer, message }];
  });
}
