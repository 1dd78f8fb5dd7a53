/** Checks that operators can take what is known of their operands: a text and a number cannot be added. */
import { impossibleOperations, splitPlaceholders, type TypeOfPath, type ValueType } from '../../expression/index.ts';
import type { DefinitionErrors } from '../errors.ts';
import type { ExpressionUse, Place } from '../expressions.ts';
import { typesOfShape } from './shape.ts';
import type { Shapes } from './shapes.ts';

export function checkOperations(uses: readonly ExpressionUse[], shapes: Shapes, errors: DefinitionErrors): void {
  const refused = errors.places();
  for (const use of uses) {
    if (refused.has(use.pointer)) continue;
    const typeOf = typesAt(shapes, use.place);
    for (const { source, offset: from } of expressionsOf(use)) {
      for (const { message, offset } of impossibleOperations(source, typeOf)) {
        const where = offset === undefined ? '' : ` (at character ${from + offset + 1})`;
        errors.add(use.pointer, 'MR_DEF_TYPE', `The expression always fails: ${message.replace(/\.$/, '')}${where}.`);
      }
    }
  }
}

function expressionsOf({ condition, text }: ExpressionUse): readonly { readonly source: string; readonly offset: number }[] {
  if (condition !== undefined) return [{ source: condition, offset: 0 }];
  const split = splitPlaceholders(text ?? '');
  return split.ok ? split.parts.filter((part) => part.kind === 'expression') : [];
}

const valueTypes: ReadonlySet<string> = new Set<ValueType>(['string', 'integer', 'number', 'boolean', 'array', 'object']);

/** Of variables nothing is certain: a person can give them other values. */
function typesAt(shapes: Shapes, place: Place): TypeOfPath {
  return (root, path) => {
    if (root === 'vars') return null;
    const found = shapes.find(root, path, place);
    if (found?.looked.kind !== 'shape') return null;
    const [type, ...others] = typesOfShape(found.looked.shape) ?? [];
    return type !== undefined && others.length === 0 && isValueType(type) ? type : null;
  };
}

function isValueType(type: string): type is ValueType {
  return valueTypes.has(type);
}
