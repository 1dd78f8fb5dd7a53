/** Notes every field that the reader of a node did not read; for some fields it says where they belong. */
import type { ObjectReader } from '../definition/object-reader.ts';

/** Fields that only some node types have, with the message for the others. */
const elsewhere: Readonly<Record<string, string>> = {
  retry: '"retry" belongs to "http" and "task" only.',
  queueTimeout: '"queueTimeout" belongs to "http" and "task" only.',
  timeout: '"timeout" belongs to "http", "task", "human", "event", "workflow", "forEach" and "repeat" only.',
};

export function endNode(reader: ObjectReader, owner: string): void {
  for (const [field, message] of Object.entries(elsewhere)) {
    if (Object.hasOwn(reader.object, field) && !reader.knows(field)) {
      reader.raw(field);
      reader.errors.add(reader.at(field), 'MR_DEF_UNKNOWN_FIELD', `${message} Leave it out here.`);
    }
  }
  reader.end(owner);
}
