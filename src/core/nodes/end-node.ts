/** Notes every field that the reader of a node did not ask for; of some it is known where they belong. */
import type { ObjectReader } from '../definition/object-reader.ts';

/** Fields of some node types only, and what is said where they do not belong. */
const elsewhere: Readonly<Record<string, string>> = {
  retry: '"retry" belongs to "http" and "task" only.',
  queueTimeout: '"queueTimeout" belongs to "http" and "task" only.',
  timeout: '"timeout" belongs to "http", "task", "human", "event", "forEach" and "repeat" only.',
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
