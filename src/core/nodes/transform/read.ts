/** Reads a `transform` node: the engine evaluates its output by itself. */
import type { TransformNode } from '../../definition/types.ts';
import { type NodeContext, opening, readCommon } from '../common/node-context.ts';

export function readTransform(context: NodeContext): TransformNode {
  const { reader, expressions } = context;
  const output = reader.required('output', 'the value that the node makes');
  return { ...readCommon(context), type: 'transform', output: expressions.template(output ?? null, reader.at('output'), opening(context)) };
}
