/** Loads a user's module and finds the handlers in its exports. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isTaskDefinition, type TaskDefinition } from '../worker/index.ts';
import { HandlerModuleError } from './executors/handlers.ts';

/**
 * Handlers are exported one by one under any name, or in arrays, also by the default export.
 * @param path relative to the working directory.
 * @throws HandlerModuleError when the module cannot be loaded or holds no handler.
 */
export async function loadHandlers(path: string): Promise<readonly TaskDefinition[]> {
  const file = resolve(path);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new HandlerModuleError(`The module ${file} cannot be loaded: ${error instanceof Error ? error.message : 'it threw'}`, {
      cause: error,
    });
  }
  // The same handler may be exported by its name and in an array too.
  const found = new Set(
    Object.values(exported).flatMap((value) =>
      Array.isArray(value) ? value.filter(isTaskDefinition) : isTaskDefinition(value) ? [value] : [],
    ),
  );
  if (found.size === 0) throw new HandlerModuleError(`The module ${file} exports no task: export what defineTask() gives.`);
  return [...found];
}
