/** Checks what expressions refer to: roots of their place, nodes that ran before, variables that somebody sets. */

import { assertNever } from '../assert.ts';
import type { Reference } from '../expression/index.ts';
import type { NodeId } from '../ids.ts';
import type { ExpressionUse, Place } from './expressions.ts';
import { type Faults, shown, suggest } from './faults.ts';
import type { Graph } from './graph.ts';

/** What an expression may ask of a node, and of the instance (see instance/scope.ts). */
const NODE_MEMBERS = ['output', 'status', 'error', 'attempt'];
const INSTANCE_MEMBERS = ['id', 'businessKey', 'definition', 'version', 'startedAt'];

export type Names = {
  readonly graph: Graph;
  /** Declared in `vars` or set by some node. */
  readonly variables: ReadonlySet<string>;
};

export function checkReferences(uses: readonly ExpressionUse[], names: Names, faults: Faults): void {
  for (const { pointer, place, references } of uses) {
    const told = new Set<string>();
    for (const reference of references) {
      const fault = faultOf(reference, place, names, faults);
      // The same name twice in one expression is one thing to mend.
      if (fault === null || told.has(fault.message)) continue;
      told.add(fault.message);
      faults.add(pointer, fault.code, fault.message);
    }
  }
}

type Fault = { readonly code: Parameters<Faults['add']>[1]; readonly message: string };

function faultOf({ root, path }: Reference, place: Place, names: Names, faults: Faults): Fault | null {
  switch (root) {
    case 'input':
      return null;
    case 'instance':
      return memberFault(path[0], INSTANCE_MEMBERS, 'instance');
    case 'vars':
      if (place.kind === 'start') return unknownRoot(root, 'it has no value before the instance has started');
      return variableFault(path[0], names.variables, faults);
    case 'nodes':
      if (place.kind === 'start') return unknownRoot(root, 'no node has run before the instance has started');
      return nodeFault(path, place, names.graph, faults);
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

function unknownRoot(root: string, why: string): Fault {
  return { code: 'MR_DEF_UNKNOWN_ROOT', message: `${shown(root)} cannot be used here: ${why}.` };
}

function memberFault(member: string | undefined, known: readonly string[], owner: string): Fault | null {
  if (member === undefined || known.includes(member)) return null;
  const message = `"${owner}" has no member ${shown(member)}, only ${known.join(', ')}.${suggest(member, known)}`;
  return { code: 'MR_DEF_UNKNOWN_MEMBER', message };
}

function variableFault(name: string | undefined, variables: ReadonlySet<string>, faults: Faults): Fault | null {
  if (name === undefined || variables.has(name)) return null;
  const message = `There is no variable ${shown(name)}: declare it in "vars" or "set" it at a node.${faults.hint(name, variables)}`;
  return { code: 'MR_DEF_UNKNOWN_VAR', message };
}

function nodeFault([name, member]: readonly string[], place: Place, graph: Graph, faults: Faults): Fault | null {
  if (name === undefined) return null;
  const before = graph.ancestors.get(name as NodeId);
  if (before === undefined)
    return { code: 'MR_DEF_UNKNOWN_NODE', message: `There is no node ${shown(name)}.${faults.hint(name, graph.ancestors.keys())}` };
  const unknown = memberFault(member, NODE_MEMBERS, `nodes.${name}`);
  if (unknown !== null) return unknown;
  // The status is safe to ask of any node: it is null so far.
  if (member === 'status' || mayHaveRun(name as NodeId, place, graph)) return null;
  const message = `"${name}" cannot have run before this, since no path leads from it to here: use a node before this one, or ask only for its status.`;
  return { code: 'MR_DEF_NODE_NOT_BEFORE', message };
}

function mayHaveRun(name: NodeId, place: Place, { ancestors }: Graph): boolean {
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
