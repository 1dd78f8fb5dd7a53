/**
 * Logs: JSON lines on stdout, one logger for each process, with child loggers that add ids (`instanceId`, `taskId`,
 * `attempt`). Secrets are removed in two ways: fields by their name, and passwords in URLs and bearer tokens anywhere in a
 * line, because errors of client libraries quote their input.
 */
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import type { LogLevel } from './config.ts';
import { censored, redactText } from './redact-text.ts';

export type { Logger } from 'pino';

const SECRET_FIELDS = ['authorization', 'password', 'apiKey', 'token', 'secret', 'cookie', 'connectionString'];

export type LoggerOptions = { readonly name: string; readonly level: LogLevel; readonly destination?: DestinationStream };

export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { process: name, pid: process.pid },
    // The level as a word instead of pino's number.
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: stdSerializers.errWithCause },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: censored },
    hooks: { streamWrite: redactText },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** The fields of every line about a task. */
export function taskFields(task: { readonly taskId: string; readonly instanceId: string; readonly attempt: number }): {
  readonly taskId: string;
  readonly instanceId: string;
  readonly attempt: number;
} {
  return { taskId: task.taskId, instanceId: task.instanceId, attempt: task.attempt };
}
