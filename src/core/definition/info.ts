/** `title`, `description` and `labels` of a definition or a node: for people; the engine does not use them. */
import { isJsonObject } from '../json.ts';
import { shown } from './errors.ts';
import type { ObjectReader } from './object-reader.ts';
import type { Info } from './types.ts';

const TITLE_LENGTH_MAX = 500;
const DESCRIPTION_LENGTH_MAX = 10_000;
const LABELS_MAX = 100;
const LABEL_LENGTH_MAX = 500;
const LABEL_NAME_LENGTH_MAX = 100;

export function readInfo(reader: ObjectReader): Info {
  return {
    title: readWords(reader, 'title', TITLE_LENGTH_MAX),
    description: readWords(reader, 'description', DESCRIPTION_LENGTH_MAX),
    labels: readLabels(reader),
  };
}

function readWords(reader: ObjectReader, field: 'title' | 'description', lengthMax: number): string | null {
  // The title of a `human` node is its own field, an expression.
  if (reader.knows(field)) return null;
  const value = reader.raw(field);
  if (value === undefined) return null;
  if (typeof value === 'string' && value.length <= lengthMax) return value;
  reader.refuse(field, `a string of at most ${lengthMax} characters`);
  return null;
}

function readLabels(reader: ObjectReader): Info['labels'] {
  const value = reader.raw('labels');
  if (value === undefined) return {};
  if (!isJsonObject(value)) {
    reader.refuse('labels', 'an object of strings, such as { "team": "billing" }');
    return {};
  }
  const labels = reader.nested('labels');
  const entries = Object.entries(value);
  if (entries.length > LABELS_MAX) reader.refuse('labels', `an object of at most ${LABELS_MAX} strings`);
  return Object.fromEntries(
    entries.map(([name, label]): [string, string] => {
      if (name === '' || name.length > LABEL_NAME_LENGTH_MAX)
        reader.errors.add(
          reader.at('labels'),
          'MR_DEF_SHAPE',
          `${shown(name)} cannot be the name of a label: 1 to ${LABEL_NAME_LENGTH_MAX} characters.`,
        );
      if (typeof label === 'string' && label.length <= LABEL_LENGTH_MAX) return [name, label];
      labels?.refuse(name, `a string of at most ${LABEL_LENGTH_MAX} characters`);
      return [name, ''];
    }),
  );
}
