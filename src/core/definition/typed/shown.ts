/** Warns of what is made of a marked value and stands where views do not mask: they would be of no use without it. */
import { pointerTo } from '../../json-pointer.ts';
import type { DefinitionErrors } from '../errors.ts';
import type { KnownGraph } from './known.ts';
import { holdsSensitive } from './marks.ts';
import type { Shapes } from './shapes.ts';

const FIELDS = ['assignees', 'escalate'] as const;

export function warnOfShown(graphs: readonly KnownGraph[], shapes: Shapes, errors: DefinitionErrors): void {
  for (const { scope, nodes } of graphs)
    for (const [id, node] of nodes) {
      if (node?.type !== 'human') continue;
      for (const field of FIELDS)
        if (holdsSensitive(shapes.field(id, field))) errors.warn(pointerTo(scope.nodePointer(id), field), 'MR_DEF_SENSITIVE_SHOWN', SHOWN);
    }
}

const SHOWN = 'This is made of a value that a schema marks as sensitive, and views show whom a task goes to. Take another value for it.';
