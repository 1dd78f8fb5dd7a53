/**
 * The SDK for task handlers: a module exports what `defineTask` gave, and `millrace worker <module>` joins the queues
 * that its handlers name. Nothing here reaches Kafka: the same definitions run in a unit test.
 */
export type { Json } from '../core/json.ts';
export {
  type Admitted,
  defineTask,
  isTaskDefinition,
  type Returned,
  type TaskContext,
  type TaskDefinition,
  type TaskLogger,
  type TaskSchema,
  type TaskSpec,
} from './define-task.ts';
export { isRetryableError, isTerminalError, RetryableError, TerminalError } from './errors.ts';
export { type Handler, type Handlers, type HandlerTypes, handlersOf, type TypedHandlers } from './typed-handlers.ts';
