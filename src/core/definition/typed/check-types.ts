/** Checks that expressions fit what the definition declares of its input and of the outputs of nodes before them. */
import type { Reference } from '../../expression/index.ts';
import type { NodeId } from '../../ids.ts';
import type { Json } from '../../json.ts';
import { type DefinitionErrors, shown, suggest } from '../errors.ts';
import type { ExpressionUse } from '../expressions.ts';
import { findNode } from '../references.ts';
import type { Node, Schema } from '../types.ts';
import { type LookedUp, lookUp, typesOf } from './look-up.ts';

export type Declared = { readonly input: Schema | null; readonly nodes: ReadonlyMap<NodeId, Node | null> };

export function checkTypes(uses: readonly ExpressionUse[], declared: Declared, errors: DefinitionErrors): void {
  for (const use of uses) {
    const told = new Set<string>();
    for (const reference of use.references) {
      const found = declaredFor(reference, use, declared);
      if (found === null) continue;
      const { name, looked } = found;
      const message = messageOf(name, looked) ?? conditionMessage(use, name, reference, looked);
      if (message === null || told.has(message)) continue;
      told.add(message);
      errors.add(use.pointer, looked.kind === 'missing' ? 'MR_DEF_UNKNOWN_MEMBER' : 'MR_DEF_TYPE', message);
    }
  }
}

type Found = { readonly name: string; readonly looked: LookedUp };

function declaredFor({ root, path }: Reference, { place }: ExpressionUse, { input, nodes }: Declared): Found | null {
  // Nobody has declared a schema for events and schedules.
  if (place.kind === 'trigger') return null;
  if (root === 'input') return input === null ? null : { name: 'input', looked: lookUp(input.document, path) };
  const [node, member, ...rest] = path;
  if (root !== 'nodes' || node === undefined || member !== 'output' || place.kind === 'start') return null;
  const id = findNode(node, place.scope)?.id;
  const schema = id === undefined ? null : outputOf(nodes.get(id) ?? null);
  return schema === null ? null : { name: `nodes.${node}.output`, looked: lookUp(schema, rest) };
}

function outputOf(node: Node | null): Json | null {
  if (node === null) return null;
  if ('outputSchema' in node) return node.outputSchema?.document ?? null;
  // The output of a human task fits its form, unless the output also holds a choice or votes.
  if (node.type !== 'human' || node.outcomes !== null || node.approvals !== null) return null;
  return node.form?.document ?? null;
}

function messageOf(name: string, looked: LookedUp): string | null {
  switch (looked.kind) {
    case 'missing': {
      const { owner, member, known } = looked;
      const others = known.length === 0 ? 'it has none' : `it has only ${known.slice(0, 20).join(', ')}`;
      return `"${[name, ...owner].join('.')}" has no member ${shown(member)} by its schema; ${others}.${suggest(member, known)}`;
    }
    case 'noMembers':
      return `"${[name, ...looked.owner].join('.')}" is ${looked.types.join(' or ')} by its schema, and has no members.`;
    default:
      return null;
  }
}

/** If the whole condition is this reference, it must be a boolean. */
function conditionMessage({ condition }: ExpressionUse, name: string, { root, path }: Reference, looked: LookedUp): string | null {
  if (condition?.trim() !== [root, ...path].join('.') || looked.kind !== 'schema') return null;
  const types = typesOf(looked.schema);
  if (types === null || types.includes('boolean')) return null;
  return `A condition must be a boolean, but "${[name, ...path.slice(root === 'input' ? 0 : 2)].join('.')}" is ${types.join(' or ')} by its schema.`;
}
