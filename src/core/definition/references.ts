/** Checks the references of expressions: roots that exist at their place, nodes that ran before, variables that are declared or set. */

import { assertNever } from '../assert.ts';
import type { Reference } from '../expression/index.ts';
import type { NodeId } from '../ids.ts';
import { type DefinitionErrors, shown, suggest } from './errors.ts';
import { COMPENSATED, type ExpressionUse, namesOfItems, type Place } from './expressions.ts';
import type { GraphScope } from './graph-scope.ts';

/** What an expression may ask of a node, and of the instance (see instance/scope.ts). */
const NODE_MEMBERS = ['output', 'status', 'error', 'attempt', 'completedBy'];
const COMPENSATED_MEMBERS = ['input', 'output'];
const INSTANCE_MEMBERS = ['id', 'businessKey', 'definition', 'version', 'startedAt', 'startedBy'];

/** @param variables declared in `vars` or set by some node, of whatever graph. */
export function checkReferences(uses: readonly ExpressionUse[], variables: ReadonlySet<string>, errors: DefinitionErrors): void {
  for (const { pointer, place, references } of uses) {
    const told = new Set<string>();
    for (const reference of references) {
      const error = errorOf(reference, place, variables, errors);
      // The same name twice in one expression is one error.
      if (error === null || told.has(error.message)) continue;
      told.add(error.message);
      errors.add(pointer, error.code, error.message);
    }
  }
}

/** Where an instance is there, or is about to be. */
type PlaceOfInstance = Exclude<Place, { readonly kind: 'trigger' }>;

type ReferenceProblem = { readonly code: Parameters<DefinitionErrors['add']>[1]; readonly message: string };

function errorOf(
  { root, path }: Reference,
  place: Place,
  variables: ReadonlySet<string>,
  errors: DefinitionErrors,
): ReferenceProblem | null {
  if (place.kind === 'trigger') return triggerError(root, path, place.of);
  switch (root) {
    case 'input':
    case 'now':
      return null;
    case 'instance':
      return unknownMember(path[0], INSTANCE_MEMBERS, 'instance');
    case 'vars':
      if (place.kind === 'start') return unknownRoot(root, 'it has no value before the instance has started');
      return unknownVariable(path[0], variables, errors);
    case 'nodes':
      if (place.kind === 'start') return unknownRoot(root, 'no node has run before the instance has started');
      return unusableNode(path, place, errors);
    case 'event':
      return place.kind === 'where'
        ? null
        : unknownRoot(root, 'only the "where" of an event node sees it; afterwards it is the output of that node');
    case 'item':
      return isInLoop(place, ['forEach']) ? null : unknownRoot(root, 'only the body of a forEach and its "until" see it');
    case 'index':
      return isInLoop(place, ['forEach', 'repeat']) ? null : unknownRoot(root, 'only the body of a loop and its condition see it');
    case 'last':
      return isInLoop(place, ['repeat']) ? null : unknownRoot(root, 'only the body of a repeat, its "until" and its "while" see it');
    default:
      if (place.kind === 'items' && namesOfItems(place).includes(root)) return null;
      if (place.kind === 'compensating' && root === COMPENSATED) return unknownMember(path[0], COMPENSATED_MEMBERS, COMPENSATED);
      if (place.kind !== 'start' && place.scope.itemNames.includes(root)) return null;
      return unknownRoot(root, 'expressions see "input", "vars", "nodes", "instance" and "now"');
  }
}

const SCHEDULE_MEMBERS = ['name', 'time', 'timeZone'];

/** There is no instance yet, so a trigger sees only the event or schedule, and the time. */
function triggerError(root: string, path: readonly string[], of: 'event' | 'schedule'): ReferenceProblem | null {
  if (root === 'now') return null;
  if (root !== of) return unknownRoot(root, `a trigger by ${of} sees "${of}" and "now"`);
  return of === 'schedule' ? unknownMember(path[0], SCHEDULE_MEMBERS, 'schedule') : null;
}

/** In a body of such a loop, however deep, or in the condition of one. */
function isInLoop(place: PlaceOfInstance, types: readonly string[]): boolean {
  if (place.kind === 'start') return false;
  if (place.kind === 'items' && types.includes('forEach')) return true;
  return (place.kind === 'round' && types.includes('repeat')) || place.scope.loops.some(({ type }) => types.includes(type));
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
  const message = `There is no variable ${shown(name)}: declare it in "vars" or "set" it at a node.${errors.hint(name, () => variables)}`;
  return { code: 'MR_DEF_UNKNOWN_VAR', message };
}

function unusableNode([name, member]: readonly string[], place: PlaceOfInstance, errors: DefinitionErrors): ReferenceProblem | null {
  if (name === undefined || place.kind === 'start') return null;
  const found = findNode(name, place.scope);
  const loop = found === null ? loopAround(name, place.scope) : null;
  if (loop !== null)
    return {
      code: 'MR_DEF_UNKNOWN_NODE',
      message: `${shown(name)} stands in the body of "${loop}", and is not seen from here: ${howToReach(loop, place)}.`,
    };
  if (found === null)
    return { code: 'MR_DEF_UNKNOWN_NODE', message: `There is no node ${shown(name)}.${errors.hint(name, () => place.scope.visibleNames)}` };
  const unknown = unknownMember(member, NODE_MEMBERS, `nodes.${name}`);
  if (unknown !== null) return unknown;
  // The status may be read of any node: it is null until the node has run.
  if (member === 'status' || mayHaveRun(found, place)) return null;
  const message = `"${name}" cannot have run before this, since no path leads from it to here: use a node before this one, or ask only for its status.`;
  return { code: 'MR_DEF_NODE_NOT_BEFORE', message };
}

/** Name of the loop of this graph in whose body, however deep, a node of this name stands. */
function loopAround(name: string, { bodies }: GraphScope): string | null {
  for (const body of bodies)
    if (body.loop !== null && (body.idOf(name) !== undefined || loopAround(name, body) !== null))
      return body.loop.outer.nameOf(body.loop.nodeId);
  return null;
}

function howToReach(loop: string, place: Place): string {
  if (place.kind === 'round') return 'put what is asked for into the "output" of the body, and ask "last" for it';
  if (place.kind === 'items') return 'put what is asked for into the "output" of the body, and ask "results" for it';
  return `put what is asked for into the "output" of that body, and read nodes.${loop}.output`;
}

type FoundNode = {
  readonly id: NodeId;
  readonly scope: GraphScope;
  /** The loop of that graph in whose body the expression stands; null when it stands in the graph itself. */
  readonly through: NodeId | null;
};

/** In the graph of the expression, then in those around it. */
export function findNode(name: string, from: GraphScope): FoundNode | null {
  let scope = from;
  let through: NodeId | null = null;
  for (;;) {
    const id = scope.idOf(name);
    if (id !== undefined) return { id, scope, through };
    if (scope.loop === null) return null;
    through = scope.loop.nodeId;
    scope = scope.loop.outer;
  }
}

function mayHaveRun({ id, scope, through }: FoundNode, place: Exclude<PlaceOfInstance, { readonly kind: 'start' }>): boolean {
  const leads = (from: NodeId, to: NodeId): boolean => scope.links.ancestors.get(to)?.has(from) ?? false;
  // An edge with an error may be the one that is missing between the two: it is told by itself.
  const isBefore = (nodeId: NodeId): boolean =>
    leads(id, nodeId) ||
    scope.looseEdges.some(
      ({ from, to }) => (from === null || from === id || leads(id, from)) && (to === null || to === nodeId || leads(to, nodeId)),
    );
  // A body runs after what ran before its loop.
  if (through !== null) return isBefore(through);
  switch (place.kind) {
    case 'end':
      return true;
    case 'opening':
    case 'where':
    case 'round':
    case 'items':
      return isBefore(place.nodeId);
    case 'leaving':
    case 'compensating':
      return place.nodeId === id || isBefore(place.nodeId);
    default:
      return assertNever(place);
  }
}
