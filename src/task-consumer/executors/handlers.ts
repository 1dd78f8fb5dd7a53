/**
 * The executor of `task` nodes: a user's handlers, with their inputs and outputs checked against the schemas that they declare. A
 * task for which this worker has no handler is returned, which does not count against its retry budget: that happens during a
 * rolling deploy.
 */
import { type CompiledSchema, compileSchema, type SchemaError } from '../../core/schema/index.ts';
import { isRetryableError, isTerminalError, type TaskContext, type TaskDefinition, type TaskLogger } from '../../worker/index.ts';
import { type AttemptResult, failed, failedForNow } from '../attempt-result.ts';
import type { AttemptScope, Executor } from '../executor.ts';
import { toJsonOutput } from '../json-output.ts';
import { idempotencyKeyOf, type ScheduledTask } from '../task.ts';

type Handler = { readonly definition: TaskDefinition; readonly input: CompiledSchema | null; readonly output: CompiledSchema | null };

/** A module whose handlers cannot be run; the message names all errors. */
export class HandlerModuleError extends Error {
  override readonly name = 'HandlerModuleError';
}

/** @throws HandlerModuleError for an invalid schema, or a name that is defined twice. */
export function createHandlerExecutor(definitions: readonly TaskDefinition[]): Executor {
  const errors: string[] = [];
  const handlers = new Map<string, Handler>();
  for (const definition of definitions) {
    if (handlers.has(definition.name)) errors.push(`The task "${definition.name}" is defined twice.`);
    const compile = (side: 'input' | 'output'): CompiledSchema | null => {
      const schema = definition[side];
      const compiled = schema === null ? null : compileSchema(schema);
      if (compiled === null || compiled.ok) return compiled?.value ?? null;
      errors.push(`The ${side} schema of the task "${definition.name}" cannot be used: ${describeErrors(compiled.error)}`);
      return null;
    };
    handlers.set(definition.name, { definition, input: compile('input'), output: compile('output') });
  }
  if (errors.length > 0) throw new HandlerModuleError(errors.join('\n'));

  const find = ({ work }: ScheduledTask): Handler | undefined => (work?.type === 'task' ? handlers.get(work.name) : undefined);
  return {
    canRun: (task) => find(task) !== undefined,
    label: (task) => find(task)?.definition.name ?? 'unknown',
    run(task, scope) {
      const handler = find(task);
      if (handler === undefined) {
        scope.log.warn({ work: task.work }, 'This worker has no handler for the task, and returns it');
        return { status: 'returned' };
      }
      return runHandler(handler, task, scope);
    },
  };
}

function runHandler(
  { definition, input, output }: Handler,
  task: ScheduledTask,
  scope: AttemptScope,
): AttemptResult | Promise<AttemptResult> {
  const inputErrors = input === null ? [] : input.validate(task.input);
  if (inputErrors.length > 0) return failed('INPUT_INVALID', describeErrors(inputErrors));
  const finish = (value: unknown): AttemptResult => toResult(value, output);
  try {
    const value = definition.run(task.input, new HandlerContext(task, scope));
    return isThenable(value) ? Promise.resolve(value).then(finish).catch(toFailure) : finish(value);
  } catch (error) {
    return toFailure(error);
  }
}

function toResult(value: unknown, schema: CompiledSchema | null): AttemptResult {
  const output = toJsonOutput(value);
  if (!output.ok) return failed('OUTPUT_INVALID', output.error);
  const errors = schema === null ? [] : schema.validate(output.value.value);
  return errors.length > 0 ? failed('OUTPUT_INVALID', describeErrors(errors)) : { status: 'completed', output: output.value.text };
}

function toFailure(error: unknown): AttemptResult {
  if (isTerminalError(error)) return failed(error.code, error.message);
  if (isRetryableError(error)) return failedForNow(error.code, error.message, error.retryAfterMs);
  if (error instanceof Error) return failedForNow(codeOf(error), error.message);
  return failedForNow('ERROR', 'The handler threw something that is no Error.');
}

/** Libraries say in `code` what went wrong (`ECONNREFUSED`, `ER_DUP_ENTRY`); an edge or `nonRetryable` can name that. */
function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : error.name;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

const ERRORS_SHOWN = 5;

function describeErrors(errors: readonly SchemaError[]): string {
  const shown = errors.slice(0, ERRORS_SHOWN).map(({ pointer, message }) => `${pointer || '/'}: ${message}`);
  return [...shown, ...(errors.length > ERRORS_SHOWN ? [`and ${errors.length - ERRORS_SHOWN} more`] : [])].join('; ');
}

/** Signal and logger are made when a handler first asks for them. */
class HandlerContext implements TaskContext {
  readonly #task: ScheduledTask;
  readonly #scope: AttemptScope;

  constructor(task: ScheduledTask, scope: AttemptScope) {
    this.#task = task;
    this.#scope = scope;
  }

  // Getters on the prototype are not copied by `{ ...context }`, but handlers destructure a context by names.
  get taskId(): string {
    return this.#task.taskId;
  }
  get instanceId(): string {
    return this.#task.instanceId;
  }
  get attempt(): number {
    return this.#task.attempt;
  }
  get idempotencyKey(): string {
    return idempotencyKeyOf(this.#task);
  }
  get signal(): AbortSignal {
    return this.#scope.signal;
  }
  get log(): TaskLogger {
    return this.#scope.log;
  }
  get timeoutMs(): number {
    return this.#task.timeoutMs;
  }
}
