/**
 * Logs: JSON lines on stdout, one logger a process, children that carry ids (`instanceId`, `taskId`, `attempt`).
 * Secrets are taken out twice: fields by their name, and passwords in URLs and bearer tokens wherever they stand in a
 * line, since errors of clients quote what they were given.
 */
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import type { LogLevel } from './config.ts';

export type { Logger } from 'pino';

const SECRET_FIELDS = ['authorization', 'password', 'apiKey', 'token', 'secret', 'cookie', 'connectionString'];
const CENSORED = '[redacted]';

export type LoggerOptions = { readonly name: string; readonly level: LogLevel; readonly destination?: DestinationStream };

export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { process: name, pid: process.pid },
    // Words, not pino's numbers: people and log stores read them alike.
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: stdSerializers.errWithCause },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: CENSORED },
    hooks: { streamWrite: redactText },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Takes passwords of URLs, bearer tokens and basic credentials out of a text. */
export function redactText(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s"'/:@]*):[^\s"'/@]*@/gi, `$1:${CENSORED}@`)
    .replaceAll(/\b(Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{6,}/gi, `$1 ${CENSORED}`);
}

/** What every line about a task carries. */
export function taskFields(task: { readonly taskId: string; readonly instanceId: string; readonly attempt: number }): {
  readonly taskId: string;
  readonly instanceId: string;
  readonly attempt: number;
} {
  return { taskId: task.taskId, instanceId: task.instanceId, attempt: task.attempt };
}
