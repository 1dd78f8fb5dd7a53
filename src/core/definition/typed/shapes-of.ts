/** Finds what is known of the values of a definition, and which of its variables may hold what is marked. */
import { compiledInParts } from '../../compilation.ts';
import type { Known } from './known.ts';
import { holdsSensitive } from './marks.ts';
import { mayHoldMarks } from './marks-in-schemas.ts';
import { isMarkedChild, namesOf, Shapes } from './shapes.ts';

/** Of variables that are set from variables; a longer chain is not followed. */
const ROUNDS_MAX = 8;
/** Of following the templates of a node once, in characters that are compiled. */
const ROUND_COST = 3;

/**
 * What is known of the values of a definition that is read. Of one that marks something, variables that may hold it are found first: each
 * may be set from another.
 */
export function shapesOf(known: Known): Shapes {
  const { document, graphs, children } = known;
  const hasMarkedChild = graphs.some(({ nodes }) => [...nodes.values()].some((node) => node !== null && isMarkedChild(node, children)));
  if (!hasMarkedChild && !mayHoldMarks(document)) return new Shapes(known, null);
  let marked: ReadonlySet<string> = new Set();
  for (let round = 0; ; round++) {
    const more: ReadonlySet<string> = compiledInParts(
      `marked variables ${round}`,
      () => ROUND_COST * sizeOf(graphs),
      () => {
        const given = new Shapes(known, marked).variables();
        return new Set([...marked, ...namesOf(given, round === ROUNDS_MAX ? () => true : holdsSensitive)]);
      },
    );
    if (more.size === marked.size) return new Shapes(known, marked);
    marked = more;
  }
}

function sizeOf(graphs: Known['graphs']): number {
  return graphs.reduce((sum, { nodes }) => sum + nodes.size, 0);
}
