/**
 * What FULL_TRANSITIVE means for our records, and nothing more lenient: the gate that a change passes before a registry
 * sees it. Each version must read every other one, and differ from it only by fields with a default.
 */
import avsc, { type Schema } from 'avsc';
import type { AvroField, AvroRecord } from './generate.ts';

/** What keeps records written by one schema from being read by the other, either way; empty when nothing does. */
export function incompatibilities(one: AvroRecord, other: AvroRecord): string[] {
  if (`${one.namespace}.${one.name}` !== `${other.namespace}.${other.name}`) {
    return [`${other.namespace}.${other.name} became ${one.namespace}.${one.name}`];
  }
  return [
    ...withoutDefault(one, other).map((name) => `${one.name}.${name} was added without a default`),
    ...withoutDefault(other, one).map((name) => `${one.name}.${name} was removed and had no default`),
    ...sharedFields(one, other).flatMap(([now, before]) =>
      JSON.stringify(shapeOf(now)) === JSON.stringify(shapeOf(before)) ? [] : [`${one.name}.${now.name} changed its type or default`],
    ),
    ...unreadable(one, other),
    ...unreadable(other, one),
  ];
}

function withoutDefault(schema: AvroRecord, other: AvroRecord): string[] {
  const known = new Set(other.fields.map(({ name }) => name));
  return schema.fields.filter((field) => !known.has(field.name) && !('default' in field)).map(({ name }) => name);
}

function sharedFields(one: AvroRecord, other: AvroRecord): (readonly [AvroField, AvroField])[] {
  return one.fields.flatMap((field) => {
    const same = other.fields.find(({ name }) => name === field.name);
    return same === undefined ? [] : [[field, same] as const];
  });
}

/** A field without its words for people. */
function shapeOf(field: AvroField): unknown {
  return JSON.parse(JSON.stringify(field, (key, value: unknown) => (key === 'doc' ? undefined : value)));
}

/** avsc's own judgement. */
function unreadable(reader: AvroRecord, writer: AvroRecord): string[] {
  const typeOf = (schema: AvroRecord) => avsc.Type.forSchema(schema as unknown as Schema);
  try {
    typeOf(reader).createResolver(typeOf(writer));
    return [];
  } catch (error) {
    return [`${reader.name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
