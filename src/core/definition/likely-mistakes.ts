/** What is allowed and hardly ever meant: text that is written like an expression, and a status that no node has. */
import type { Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { type DefinitionErrors, shown, suggest } from './errors.ts';

/** `nodes.pay.output.id`, also as other languages mark it: `{{ input.x }}`, `$.input.x`, `$input.x`. */
const REFERENCE =
  /^(?:\{\{\s*|\$\.?)?((?:(?:input|vars)\.|instance\.(?:id|businessKey|startedBy)\b|nodes(?:\.[A-Za-z_]\w*|\['[^']{1,64}'\])\.(?:output|status|error|attempt|completedBy)\b)(?:\.?[A-Za-z_]\w*|\[\d+\])*)(?:\s*\}\})?$/;
const STATUS = /\bnodes(?:\.[A-Za-z_]\w*|\['[^']{1,64}'\])\.status\s*[=!]=\s*(['"])([^'"]*)\1/g;
const statuses: readonly string[] = ['completed', 'failed', 'timedOut', 'skipped', 'cancelled'];
/** Longer text is no slip. */
const LENGTH_MAX = 200;

/** Of all strings in a value that may hold expressions. */
export function warnOfTemplate(value: Json, pointer: string, errors: DefinitionErrors): void {
  if (typeof value === 'string') {
    if (value.includes('${')) warnOfStatuses(value, pointer, errors);
    else warnOfText(value, pointer, errors);
  } else if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value as object)) warnOfTemplate(member as Json, pointerTo(pointer, key), errors);
}

/** A node is never `complete`, so an edge that asks for that is never taken. */
export function warnOfStatuses(source: string, pointer: string, errors: DefinitionErrors): void {
  for (const [, , status = ''] of source.matchAll(STATUS)) {
    if (statuses.includes(status)) continue;
    const message = `No node has the status ${shown(status)}: it is ${statuses.slice(0, -1).join(', ')} or ${statuses.at(-1)}.`;
    errors.warn(pointer, 'MR_DEF_STATUS_UNKNOWN', message + suggest(status, statuses));
  }
}

function warnOfText(text: string, pointer: string, errors: DefinitionErrors): void {
  const [, reference] = text.length > LENGTH_MAX ? [] : (REFERENCE.exec(text) ?? []);
  if (reference === undefined) return;
  const message = `${shown(text)} is text, and is not evaluated: write "\${ ${reference} }" if its value is meant.`;
  errors.warn(pointer, 'MR_DEF_TEXT_LIKE_EXPRESSION', message);
}
