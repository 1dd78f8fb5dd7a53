/** Compiles a definition without holding the event loop: between its parts everything else goes on. */
import { setImmediate } from 'node:timers/promises';
import { createParsing, createTypedParsing, type ParseOptions, type parseDefinition, type parseTyped } from '../core/definition/index.ts';
import type { Json } from '../core/json.ts';

/** As `parseDefinition`. */
export async function parseInTurns(document: Json, options: ParseOptions): Promise<ReturnType<typeof parseDefinition>> {
  return await inTurns(createParsing(document, options));
}

/** As `parseTyped`. */
export async function parseTypedInTurns(document: Json, options: ParseOptions): Promise<ReturnType<typeof parseTyped>> {
  return await inTurns(createTypedParsing(document, options));
}

async function inTurns<T>(goOn: () => T | null): Promise<T> {
  for (let parsed = goOn(); ; parsed = goOn()) {
    if (parsed !== null) return parsed;
    await setImmediate();
  }
}
