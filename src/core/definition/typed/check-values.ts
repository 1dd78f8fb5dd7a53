/** Checks that templates of times and of `items` give what these take, as far as it is known. */
import type { DefinitionErrors } from '../errors.ts';
import type { ExpressionUse } from '../expressions.ts';
import { typesOfShape } from './shape.ts';
import type { Shapes } from './shapes.ts';

export function checkValues(uses: readonly ExpressionUse[], shapes: Shapes, errors: DefinitionErrors): void {
  const refused = errors.places();
  for (const { pointer, place, text, wanted } of uses) {
    if (wanted === undefined || text === undefined || refused.has(pointer)) continue;
    const types = typesOfShape(shapes.ofTemplate(text, place));
    if (types === null || types.includes(wanted.type)) continue;
    const article = wanted.type === 'array' ? 'an' : 'a';
    errors.add(pointer, 'MR_DEF_TYPE', `${wanted.what} must be ${article} ${wanted.type}, but this gives ${types.join(' or ')}.`);
  }
}
