/** The JSON Schemas of a node's input and output, and the error for a value that does not fit. */
import type { Schema } from '../../definition/types.ts';
import type { TaskError } from '../../instance/state/state.ts';
import type { Json } from '../../json.ts';
import type { NodeContext } from './node-context.ts';

const SHOWN_MAX = 5;

export function readSchema({ reader, expressions }: NodeContext, field: 'inputSchema' | 'outputSchema'): Schema | null {
  const schema = reader.raw(field);
  return schema === undefined ? null : expressions.schema(schema, reader.at(field));
}

/** The error of the task, with the places in the value; null when it fits. Never quotes the value. */
export function misfitOf(code: 'INPUT_INVALID' | 'OUTPUT_INVALID', schema: Schema | null, value: Json): TaskError | null {
  const errors = schema?.compiled.validate(value) ?? [];
  if (errors.length === 0) return null;
  const shown = errors.slice(0, SHOWN_MAX).map(({ pointer, message }) => `${pointer || '/'}: ${message}`);
  const more = errors.length > SHOWN_MAX ? [`and ${errors.length - SHOWN_MAX} more`] : [];
  return { code, message: [...shown, ...more].join('; ') };
}
