/** Checks what expressions refer to: roots of their place, nodes that ran before, variables that somebody sets. */

import { assertNever } from '../assert.ts';
import type { Reference } from '../expression/index.ts';
import type { NodeId } from '../ids.ts';
import { type DefinitionErrors, shown, suggest } from './errors.ts';
import type { ExpressionUse, Place } from './expressions.ts';
import type { Links } from './graph.ts';

/** What an expression may ask of a node, and of the instance (see instance/scope.ts). */
const NODE_MEMBERS = ['output', 'status', 'error', 'attempt'];
const INSTANCE_MEMBERS = ['id', 'businessKey', 'definition', 'version', 'startedAt'];

export type Names = {
  readonly graph: Links;
  /** Declared in `vars` or set by some node. */
  readonly variables: ReadonlySet<string>;
};

export function checkReferences(uses: readonly ExpressionUse[], names: Names, errors: DefinitionErrors): void {
  for (const { pointer, place, references } of uses) {
    const told = new Set<string>();
    for (const reference of references) {
      const error = errorOf(reference, place, names, errors);
      // The same name twice in one expression is one thing to mend.
      if (error === null || told.has(error.message)) continue;
      told.add(error.message);
      errors.add(pointer, error.code, error.message);
    }
  }
}

type ReferenceProblem = { readonly code: Parameters<DefinitionErrors['add']>[1]; readonly message: string };

function errorOf({ root, path }: Reference, place: Place, names: Names, errors: DefinitionErrors): ReferenceProblem | null {
  switch (root) {
    case 'input':
      return null;
    case 'instance':
      return unknownMember(path[0], INSTANCE_MEMBERS, 'instance');
    case 'vars':
      if (place.kind === 'start') return unknownRoot(root, 'it has no value before the instance has started');
      return unknownVariable(path[0], names.variables, errors);
    case 'nodes':
      if (place.kind === 'start') return unknownRoot(root, 'no node has run before the instance has started');
      return unusableNode(path, place, names.graph, errors);
    case 'event':
      return place.kind === 'where'
        ? null
        : unknownRoot(root, 'only the "where" of an event node sees it; afterwards it is the output of that node');
    case 'item':
    case 'index':
    case 'last':
      return unknownRoot(root, 'it belongs to loops');
    default:
      return unknownRoot(root, 'expressions see "input", "vars", "nodes" and "instance"');
  }
}

function unknownRoot(root: string, why: string): ReferenceProblem {
  return { code: 'MR_DEF_UNKNOWN_ROOT', message: `${shown(root)} cannot be used here: ${why}.` };
}

function unknownMember(member: string | undefined, known: readonly string[], owner: string): ReferenceProblem | null {
  if (member === undefined || known.includes(member)) return null;
  const message = `"${owner}" has no member ${shown(member)}, only ${known.join(', ')}.${suggest(member, known)}`;
  return { code: 'MR_DEF_UNKNOWN_MEMBER', message };
}

function unknownVariable(name: string | undefined, variables: ReadonlySet<string>, errors: DefinitionErrors): ReferenceProblem | null {
  if (name === undefined || variables.has(name)) return null;
  const message = `There is no variable ${shown(name)}: declare it in "vars" or "set" it at a node.${errors.hint(name, variables)}`;
  return { code: 'MR_DEF_UNKNOWN_VAR', message };
}

function unusableNode([name, member]: readonly string[], place: Place, graph: Links, errors: DefinitionErrors): ReferenceProblem | null {
  if (name === undefined) return null;
  const before = graph.ancestors.get(name as NodeId);
  if (before === undefined)
    return { code: 'MR_DEF_UNKNOWN_NODE', message: `There is no node ${shown(name)}.${errors.hint(name, graph.ancestors.keys())}` };
  const unknown = unknownMember(member, NODE_MEMBERS, `nodes.${name}`);
  if (unknown !== null) return unknown;
  // The status is safe to ask of any node: it is null so far.
  if (member === 'status' || mayHaveRun(name as NodeId, place, graph)) return null;
  const message = `"${name}" cannot have run before this, since no path leads from it to here: use a node before this one, or ask only for its status.`;
  return { code: 'MR_DEF_NODE_NOT_BEFORE', message };
}

function mayHaveRun(name: NodeId, place: Place, { ancestors }: Links): boolean {
  switch (place.kind) {
    case 'start':
      return false;
    case 'end':
      return true;
    case 'opening':
    case 'where':
      return ancestors.get(place.nodeId)?.has(name) ?? false;
    case 'leaving':
      return place.nodeId === name || (ancestors.get(place.nodeId)?.has(name) ?? false);
    default:
      return assertNever(place);
  }
}
