/** Checks that expressions fit what is known of the values that they read: what the definition declares, and what is written out. */
import { type DefinitionErrors, shown, suggest } from '../errors.ts';
import type { ExpressionUse } from '../expressions.ts';
import { type LookedUp, type Path, typesOfShape } from './shape.ts';
import type { Shapes } from './shapes.ts';

export function checkTypes(uses: readonly ExpressionUse[], shapes: Shapes, errors: DefinitionErrors): void {
  const refused = errors.places();
  for (const use of uses) {
    if (refused.has(use.pointer)) continue;
    const told = new Set<string>();
    for (const { root, path: whole, isTested } of use.references) {
      // `has(…)` may ask for what cannot be there.
      const path = isTested ? whole.slice(0, -1) : whole;
      const found = shapes.find(root, path, use.place);
      if (found === null) continue;
      const { name, looked } = found;
      const message =
        messageOf(name, looked, (given, known) => errors.hint(given, () => known)) ?? conditionMessage(use, { name, root, path, looked });
      if (message === null || told.has(message)) continue;
      told.add(message);
      errors.add(use.pointer, looked.kind === 'missing' ? 'MR_DEF_UNKNOWN_MEMBER' : 'MR_DEF_TYPE', message);
    }
  }
}

/** A sentence for a member that cannot be there; null when it may be. */
export function messageOf(name: string, looked: LookedUp, hint = suggest): string | null {
  switch (looked.kind) {
    case 'missing': {
      const { owner, member, known, isDeclared } = looked;
      const others = known.length === 0 ? 'it has none' : `it has only ${known.slice(0, 20).join(', ')}`;
      return `"${placeOf(name, owner)}" has no member ${shown(member)}${isDeclared ? ' by its schema' : ''}; ${others}.${hint(member, known)}`;
    }
    case 'noMembers': {
      const { owner, types, isDeclared } = looked;
      return `"${placeOf(name, owner)}" is ${types.join(' or ')}${isDeclared ? ' by its schema' : ''}, and has no members.`;
    }
    default:
      return null;
  }
}

function placeOf(name: string, owner: Path): string {
  return [name, ...owner].join('.');
}

type Read = { readonly name: string; readonly root: string; readonly path: readonly string[]; readonly looked: LookedUp };

/** If the whole condition is this reference, it must be a boolean. */
function conditionMessage({ condition }: ExpressionUse, { name, root, path, looked }: Read): string | null {
  if (condition?.trim() !== [root, ...path].join('.') || looked.kind !== 'shape') return null;
  const types = typesOfShape(looked.shape);
  if (types === null || types.includes('boolean')) return null;
  const isDeclared = looked.shape.kind === 'schema' && looked.shape.isDeclared;
  return `A condition must be a boolean, but "${placeOf(name, path.slice(root === 'nodes' ? 2 : 0))}" is ${types.join(' or ')}${isDeclared ? ' by its schema' : ''}.`;
}
