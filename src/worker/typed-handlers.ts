/**
 * Handlers whose types come from definitions: what `millrace types` writes calls `handlersOf`. Values are not checked here, since the
 * engine checks inputs before it sends them and outputs when they arrive.
 */
import type { Json } from '../core/json.ts';
import { defineTask, type TaskContext, type TaskDefinition } from './define-task.ts';

/** For each handler what it gets and what it must give. */
export type HandlerTypes = { readonly [name: string]: { readonly input: unknown; readonly output: unknown } };

export type Handler<Input, Output> = (input: Input, context: TaskContext) => Output | Promise<Output>;

export type Handlers<Types extends HandlerTypes> = { readonly [Name in keyof Types]: Handler<Types[Name]['input'], Types[Name]['output']> };

export type TypedHandlers<Types extends HandlerTypes> = {
  /** One handler. @param options `queue`: where the definitions use the handler on several. */
  defineHandler<Name extends keyof Types & string>(
    name: Name,
    run: Handler<Types[Name]['input'], Types[Name]['output']>,
    options?: { readonly queue?: string },
  ): TaskDefinition;
  /** All handlers of the definitions: one that is missing does not compile. Export the array. */
  defineHandlers(handlers: Handlers<Types>): readonly TaskDefinition[];
};

/** @param queues the queue of each handler. */
export function handlersOf<Types extends HandlerTypes>(queues: { readonly [Name in keyof Types & string]: string }): TypedHandlers<Types> {
  const define = (name: string, queue: string, run: (input: never, context: TaskContext) => unknown): TaskDefinition =>
    // The types were made from the schemas by which the engine checks the input.
    defineTask({ name, queue, run: (input: Json, context) => run(input as never, context) });
  return {
    defineHandler: (name, run, { queue } = {}) => define(name, queue ?? queues[name], run),
    defineHandlers: (handlers) =>
      Object.entries(queues as { readonly [name: string]: string }).map(([name, queue]) =>
        define(name, queue, handlers[name as keyof Types]),
      ),
  };
}
