/** A logger for handlers whose input holds secrets: it removes them from what it writes. */
import type { TaskLogger } from '../../worker/index.ts';
import type { Concealer } from './conceal.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

export function concealedLog(log: TaskLogger, concealer: Concealer): TaskLogger {
  const at = (level: Level) => (given: object | string, message?: string) => {
    if (typeof given === 'string') log[level](concealer.text(given));
    else log[level](concealedFields(given, concealer), message === undefined ? undefined : concealer.text(message));
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function concealedFields(fields: object, concealer: Concealer): object {
  try {
    return JSON.parse(concealer.json(JSON.stringify(fields, asPlain))) as object;
  } catch (error) {
    // A cycle or a bigint: fields that cannot be searched are not written.
    if (error instanceof TypeError) return { fields: 'left out, since they are no JSON' };
    throw error;
  }
}

function asPlain(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { type: value.name, message: value.message, stack: value.stack, cause: value.cause };
}
