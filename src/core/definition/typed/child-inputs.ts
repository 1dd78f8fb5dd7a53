/** Checks what nodes give to their children against the `input` that the children's definitions declare, as far as it is certain. */

import type { NodeId } from '../../ids.ts';
import type { Json } from '../../json.ts';
import { valueAt } from '../../json-pointer.ts';
import { type DefinitionErrors, shown } from '../errors.ts';
import type { Node } from '../types.ts';
import type { KnownChildren, KnownGraph } from './known.ts';
import { checkLiterals } from './literals.ts';
import { misfits } from './misfits.ts';
import type { Shapes } from './shapes.ts';

type Checked = { readonly document: Json; readonly shapes: Shapes; readonly children: KnownChildren };

export function checkChildInputs(graphs: readonly KnownGraph[], checked: Checked, errors: DefinitionErrors): void {
  for (const { scope, nodes } of graphs)
    for (const [id, node] of nodes) {
      if (node === null) continue;
      const pointer = scope.nodePointer(id);
      checkChildInput(node, id, pointer, checked, errors);
      const undoing = node.compensation?.node;
      if (undoing !== undefined) checkChildInput(undoing, undoing.id, `${pointer}/compensation`, checked, errors);
    }
}

function checkChildInput(node: Node, id: NodeId, place: string, { document, shapes, children }: Checked, errors: DefinitionErrors): void {
  if (node.type !== 'workflow') return;
  const known = children(node);
  if (known === null || known.input === null) return;
  const written = valueAt(document, `${place}/input`);
  const pointer = written === undefined ? place : `${place}/input`;
  const what = `the input of ${shown(node.definition)}${known.version === null ? '' : ` (version ${known.version})`}`;
  const toldBefore = errors.all.length;
  checkLiterals(known.input, written ?? {}, pointer, errors, what);
  // What the schema itself says of constants is not said again.
  const told = errors.all.slice(toldBefore);
  for (const misfit of misfits(shapes.nodeInput(id), known.input.document, pointer)) {
    const message = `This does not fit ${what}. ${misfit.message}`;
    if (told.some((error) => error.pointer === misfit.pointer && (misfit.kind === 'type' || error.message === message))) continue;
    errors.add(misfit.pointer, 'MR_DEF_TYPE', message);
  }
}
