/** Reads a `task` node: work for a handler. */

import { checkLiterals } from '../../definition/typed/literals.ts';
import type { TaskNode } from '../../definition/types.ts';
import { httpQueue } from '../../queues.ts';
import { readEffort } from '../common/effort.ts';
import { type NodeContext, opening, readCommon, readLiteral } from '../common/node-context.ts';
import { readSchema } from '../common/schemas.ts';

export const defaultQueue = 'handlers';
export const taskTimeoutMsDefault = 300_000;

/** The same as `defineTask` takes. */
const TASK_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
/** What may follow `<prefix>.tasks.` in a topic's name. */
const QUEUE_NAME = new RegExp(`^(?!${httpQueue}$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`);

export function readTask(context: NodeContext): TaskNode {
  const { reader, expressions } = context;
  reader.required('task', "the handler's name");
  const task = readLiteral(reader, 'task', TASK_NAME, 'a letter, then letters, digits and _ . -, at most 128 characters') ?? '';
  const queue = readLiteral(
    reader,
    'queue',
    QUEUE_NAME,
    'letters, digits, _ and -, at most 64 characters, since it ends the name of a topic; "http" is the queue of "http" nodes',
  );
  const inputSchema = readSchema(context, 'inputSchema');
  const outputSchema = readSchema(context, 'outputSchema');
  checkLiterals(inputSchema, reader.raw('input') ?? {}, reader.at('input'), reader.errors);
  const input = expressions.template(reader.raw('input') ?? {}, reader.at('input'), opening(context), { secrets: () => 'none' });
  return {
    ...readCommon(context),
    type: 'task',
    task,
    queue: queue ?? defaultQueue,
    input,
    inputSchema,
    outputSchema,
    ...readEffort(context, taskTimeoutMsDefault),
  };
}
