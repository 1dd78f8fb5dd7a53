/** Checks what triggers give to the instances that they start against the `input` of the definition, as far as it is certain. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { own } from '../../record.ts';
import type { DefinitionErrors } from '../errors.ts';
import type { Place } from '../expressions.ts';
import type { Schema } from '../types.ts';
import { misfits } from './misfits.ts';
import type { Shapes } from './shapes.ts';

type Checked = { readonly document: JsonObject; readonly shapes: Shapes; readonly schema: Schema | null };

/** @param count how many triggers were read. */
export function checkTriggerInputs(count: number, { document, shapes, schema }: Checked, errors: DefinitionErrors): void {
  const triggers = own(document, 'triggers');
  if (schema === null || !Array.isArray(triggers)) return;
  for (const [index, trigger] of (triggers as readonly Json[]).slice(0, count).entries()) {
    if (!isJsonObject(trigger)) continue;
    const place: Place = { kind: 'trigger', of: own(trigger, 'schedule') === undefined ? 'event' : 'schedule' };
    const pointer = `${pointerTo('/triggers', index)}/input`;
    // What is refused already, such as an input without expressions that does not fit, is not refused again.
    if (errors.all.some((error) => error.pointer.startsWith(pointer))) continue;
    for (const misfit of misfits(shapes.ofTemplate(own(trigger, 'input') ?? {}, place), schema.document, pointer))
      errors.add(misfit.pointer, 'MR_DEF_TYPE', `This does not fit the definition's "input". ${misfit.message}`);
  }
}
