/** All fields of the language, as editors know them: for tests that hold documents and errors against the language as a whole. */
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { own } from '../../core/record.ts';
import { definitionSchema } from '../definition-schema.ts';

/** Of every node: listed once, at `task`. */
const common: ReadonlySet<string> = new Set(['type', 'title', 'description', 'labels', 'join', 'cancelRest', 'set', 'compensation']);

/** `definition.id`, `edge.when`, `human.approvals.atLeast`, `triggers.schedule.cron`, … Bodies and compensations have the fields of graphs and nodes. */
export function fieldsOfLanguage(): readonly string[] {
  const definitions = own(definitionSchema, '$defs');
  const owners = isJsonObject(definitions) ? Object.entries(definitions) : [];
  const named = [['definition', definitionSchema], ...owners] as const;
  return named.flatMap(([owner, schema]) => {
    if (['node', 'body', 'compensation'].includes(owner)) return [];
    const isRepeated = (field: string): boolean => !['definition', 'edge', 'task'].includes(owner) && common.has(field);
    return [...fieldsIn(schema, '')]
      .filter((field) => !isRepeated(field.split('.')[0] ?? ''))
      .map((field) => (owner === 'definition' && field.startsWith('triggers.') ? field : `${owner}.${field}`));
  });
}

function* fieldsIn(schema: Json, prefix: string): Generator<string> {
  if (!isJsonObject(schema)) return;
  const seen = new Set<string>();
  for (const part of partsOf(schema))
    for (const [name, inner] of Object.entries(propertiesOf(part))) {
      const field = prefix === '' ? name : `${prefix}.${name}`;
      if (seen.has(field)) continue;
      seen.add(field);
      yield field;
      yield* fieldsIn(inner, field);
    }
}

/** The schema itself, and those that it chooses between. */
function* partsOf(schema: JsonObject): Generator<JsonObject> {
  yield schema;
  for (const keyword of ['anyOf', 'oneOf', 'items'] as const) {
    const inner = own(schema, keyword);
    for (const part of Array.isArray(inner) ? (inner as readonly Json[]) : [inner]) if (isJsonObject(part)) yield* partsOf(part);
  }
}

function propertiesOf(schema: JsonObject): JsonObject {
  const properties = own(schema, 'properties');
  return isJsonObject(properties) ? properties : {};
}
