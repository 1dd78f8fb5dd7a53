/** What a user writes: a named handler with the schemas of what it takes and gives. */
import type { Static, TSchema } from 'typebox';
import type { Json } from '../core/json.ts';

/** The few methods of a logger that a handler gets; lines carry instanceId, taskId and attempt. */
export type TaskLogger = {
  debug(fields: object, message?: string): void;
  debug(message: string): void;
  info(fields: object, message?: string): void;
  info(message: string): void;
  warn(fields: object, message?: string): void;
  warn(message: string): void;
  error(fields: object, message?: string): void;
  error(message: string): void;
};

export type TaskContext = {
  /** `<instanceId>.<path>` */
  readonly taskId: string;
  readonly instanceId: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** The same for every attempt of this work: give it to whatever must not happen twice. A handler runs at least once. */
  readonly idempotencyKey: string;
  /** Aborts when the attempt's time is over, or the worker must end before the attempt has. */
  readonly signal: AbortSignal;
  readonly log: TaskLogger;
  /** How long the attempt may take, in ms from its start. */
  readonly timeoutMs: number;
};

/** A JSON Schema (draft 2020-12): a TypeBox schema, or a plain one written `as const`; both give static types. */
export type TaskSchema = TSchema;

/** What a schema admits; without one, whatever JSON there is. */
export type Admitted<Schema extends TaskSchema | undefined> = Schema extends TaskSchema ? Static<Schema> : Json;
/** Without an output schema the value is checked at run time only: it must be JSON, `undefined` counts as null. */
export type Returned<Schema extends TaskSchema | undefined> = Schema extends TaskSchema ? Static<Schema> : unknown;

export type TaskSpec<Input extends TaskSchema | undefined, Output extends TaskSchema | undefined> = {
  /** What `task` of a node names: `[A-Za-z][A-Za-z0-9_.-]{0,127}`. */
  readonly name: string;
  /** The queue that nodes with this task use; default `handlers`. */
  readonly queue?: string;
  /** Checked before `run`: what does not fit fails with INPUT_INVALID, without a retry. */
  readonly input?: Input;
  /** Checked after `run`: what does not fit fails with OUTPUT_INVALID, without a retry. */
  readonly output?: Output;
  /** Does the work. Throw TerminalError or RetryableError to decide about retries; anything else is retried. */
  run(input: Admitted<Input>, context: TaskContext): Returned<Output> | Promise<Returned<Output>>;
};

const marker = Symbol.for('millrace.task');

/** A handler that a worker can run. */
export type TaskDefinition = {
  readonly [marker]: true;
  readonly name: string;
  readonly queue: string;
  readonly input: Json | null;
  readonly output: Json | null;
  run(input: Json, context: TaskContext): unknown;
};

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const QUEUE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * Defines a task handler.
 * @throws TypeError when the name or the queue cannot be one.
 * @example
 * export const charge = defineTask({
 *   name: 'charge-card',
 *   input: Type.Object({ card: Type.String(), cents: Type.Integer() }),
 *   run: async (input, { idempotencyKey, signal }) => await payments.charge(input, { idempotencyKey, signal }),
 * });
 */
export function defineTask<const Input extends TaskSchema | undefined = undefined, const Output extends TaskSchema | undefined = undefined>(
  spec: TaskSpec<Input, Output>,
): TaskDefinition {
  const { name, queue = 'handlers' } = spec;
  if (!NAME.test(name))
    throw new TypeError(`"${name}" cannot be the name of a task: a letter, then letters, digits and _ . -, at most 128.`);
  if (!QUEUE.test(queue)) throw new TypeError(`"${queue}" cannot be the name of a queue: letters, digits, _ and -, at most 64.`);
  return {
    [marker]: true,
    name,
    queue,
    input: toJson(spec.input),
    output: toJson(spec.output),
    // The worker has checked the input against the schema that the static type was derived from.
    run: (input, context) => spec.run(input as Admitted<Input>, context),
  };
}

export function isTaskDefinition(value: unknown): value is TaskDefinition {
  return typeof value === 'object' && value !== null && marker in value && value[marker] === true;
}

/** TypeBox keeps notes of its own in a schema; what is left as JSON is the schema. */
function toJson(schema: TaskSchema | undefined): Json | null {
  return schema === undefined ? null : (JSON.parse(JSON.stringify(schema)) as Json);
}
