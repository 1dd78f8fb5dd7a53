/** When a node runs, and what follows it. */
import type { Definition, Edge, Graph, Node } from '../core/definition/types.ts';
import { whyNeverEnds } from '../core/nodes/readers.ts';
import { parentOf } from './names.ts';

export function describeArrivals(graph: Graph, { id, join, cancelRest }: Node): string {
  const edges = graph.incoming.get(id) ?? [];
  if (edges.length === 0) return id.includes('/') ? 'It runs at the start of each item or round.' : 'It runs at the start.';
  const from = edges.map((edge) => `${named(graph, edge.from)} ${conditionOf(edge)}`).join('; ');
  const rest = cancelRest ? ' Branches that are still open are cancelled then.' : '';
  if (join.kind === 'any') return `It runs as soon as one edge to it is taken: from ${from}.${rest}`;
  if (join.kind === 'atLeast') return `It runs as soon as ${join.n} edges to it are taken: from ${from}.${rest}`;
  if (edges.length === 1) return `It runs when the edge to it is taken: from ${from}. Otherwise it is skipped.`;
  return `It runs when all edges to it are decided and at least one is taken: from ${from}. Otherwise it is skipped.`;
}

export function describeDeparture(
  definition: Definition,
  graph: Graph,
  node: Node,
): { readonly sentences: readonly string[]; readonly warnings: readonly string[] } {
  const edges = graph.outgoing.get(node.id) ?? [];
  const end = node.id.includes('/') ? 'its item or round' : 'the instance';
  const follows = edges.filter(({ rule }) => rule.on === 'completed').map((edge) => `${targetOf(graph, edge)} ${conditionOf(edge)}`);
  const sentences = [
    follows.length === 0
      ? `When it has completed, nothing follows: ${end} ends when nothing else is open.`
      : `When it has completed: ${follows.join('; ')}.`,
  ];
  const caught = edges.filter(({ rule }) => rule.on !== 'completed');
  for (const edge of caught) sentences.push(`When it ${endingOf(edge)}: ${targetOf(graph, edge)}.`);
  const missing = (['failed', 'timedOut'] as const).filter(
    (ending) =>
      whyNeverEnds(node, ending) === null &&
      !caught.some(
        ({ rule }) => rule.on !== 'completed' && (rule.on === ending || rule.on === 'any') && rule.error === null && rule.when === null,
      ),
  );
  if (missing.length === 0) return { sentences, warnings: [] };
  const words = missing.map((ending) => (ending === 'failed' ? 'fails' : 'times out')).join(' or ');
  const failing = uncaught(definition, node);
  sentences.push(`When it ${words} and no edge fits, ${consequences[failing]}.`);
  const on = missing.length === 2 ? 'any' : (missing[0] ?? 'any');
  const warning = `Not every way in which it ${words} has an edge: add one with "on": "${on}" if the workflow can go on by itself.`;
  return { sentences, warnings: failing === 'incident' ? [warning] : [] };
}

const consequences = {
  incident: 'it waits as an incident for a person',
  fail: 'the instance fails',
  compensate: 'what was done is undone and the instance fails',
  item: 'the item fails',
} as const;

/** What becomes of a failure for which no edge is there: of the nearest loop that counts failed items, else of the definition. */
function uncaught({ nodes, onFailure }: Definition, { id }: Node): keyof typeof consequences {
  for (let loopId = parentOf(id); loopId !== ''; loopId = parentOf(loopId)) {
    const loop = nodes.get(loopId as Node['id']);
    if (loop?.type === 'forEach' && loop.failuresMax !== null) return 'item';
  }
  return onFailure;
}

function conditionOf({ rule }: Edge): string {
  if (rule.on !== 'completed') return `when that ${endingOf({ rule })}`;
  if (rule.condition.kind === 'always') return 'always';
  return rule.condition.kind === 'otherwise' ? 'when no other edge is taken' : `when \`${rule.condition.when.source}\` holds`;
}

function endingOf({ rule }: Pick<Edge, 'rule'>): string {
  if (rule.on === 'completed') return 'completes';
  const ending = { failed: 'fails', timedOut: 'times out', any: 'fails or times out' }[rule.on];
  return `${ending}${rule.error === null ? '' : ` with ${rule.error}`}${rule.when === null ? '' : ` and \`${rule.when.source}\` holds`}`;
}

function targetOf(graph: Graph, { to }: Edge): string {
  return to === null ? 'nothing follows' : `${named(graph, to)} follows`;
}

function named(graph: Graph, id: Edge['from']): string {
  return `"${graph.nodes.get(id)?.name ?? id}"`;
}
