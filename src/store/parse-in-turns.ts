/** Compiles a definition without holding the event loop: between its parts everything else goes on. */
import { setImmediate } from 'node:timers/promises';
import { createParsing, createTypedParsing, type ParseOptions, type parseDefinition, type parseTyped } from '../core/definition/index.ts';
import type { Json } from '../core/json.ts';

/** What is done with the definition has the rest of such a turn; behind a longer part it has a turn of its own. */
const SHORT_MS = 20;

/** As `parseDefinition`. */
export async function parseInTurns(document: Json, options: ParseOptions): Promise<ReturnType<typeof parseDefinition>> {
  return await inTurns(createParsing(document, options));
}

/** As `parseTyped`. */
export async function parseTypedInTurns(document: Json, options: ParseOptions): Promise<ReturnType<typeof parseTyped>> {
  return await inTurns(createTypedParsing(document, options));
}

async function inTurns<T>(goOn: () => T | null): Promise<T> {
  for (;;) {
    const since = performance.now();
    const parsed = goOn();
    if (parsed !== null && performance.now() - since < SHORT_MS) return parsed;
    await setImmediate();
    if (parsed !== null) return parsed;
  }
}
