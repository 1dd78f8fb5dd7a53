/** Reads a `transform` node: the engine evaluates its output by itself. */

import { checkLiterals } from '../../definition/typed/literals.ts';
import type { TransformNode } from '../../definition/types.ts';
import { type NodeContext, opening, readCommon } from '../common/node-context.ts';
import { readSchema } from '../common/schemas.ts';

export function readTransform(context: NodeContext): TransformNode {
  const { reader, expressions } = context;
  const output = reader.required('output', 'the value that the node makes');
  const outputSchema = readSchema(context, 'outputSchema');
  checkLiterals(outputSchema, output ?? null, reader.at('output'), reader.errors);
  return {
    ...readCommon(context),
    type: 'transform',
    output: expressions.template(output ?? null, reader.at('output'), opening(context)),
    outputSchema,
  };
}
