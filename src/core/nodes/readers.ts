/** How each type of node is read, and which endings it cannot have. One entry for each type. */
import type { Node, NodeType } from '../definition/types.ts';
import type { FailureEnding } from './common/failure-ending.ts';
import { whyNeverFails } from './common/failure-ending.ts';
import type { NodeContext } from './common/node-context.ts';
import { readEvent, whyEventNeverEnds } from './event/read.ts';
import { readForEach, whyForEachNeverEnds } from './forEach/read.ts';
import { readHttp } from './http/read.ts';
import { readHuman, whyHumanNeverEnds } from './human/read.ts';
import { readPublish } from './publish/read.ts';
import { readRepeat, whyRepeatNeverEnds } from './repeat/read.ts';
import { readTask } from './task/read.ts';
import { readTransform } from './transform/read.ts';
import { readWait } from './wait/read.ts';
import { readWorkflow, whyWorkflowNeverEnds } from './workflow/read.ts';

type NodeReader<Type extends NodeType> = {
  /** Notes what is wrong, and goes on with placeholders. */
  readonly read: (context: NodeContext) => Node & { readonly type: Type };
  /** Completes "This edge can never be taken: …"; null when the node can end so. */
  readonly whyNeverEnds: (node: Extract<Node, { readonly type: Type }>, on: FailureEnding) => string | null;
};

const readers: { readonly [Type in NodeType]: NodeReader<Type> } = {
  task: { read: readTask, whyNeverEnds: () => null },
  http: { read: readHttp, whyNeverEnds: () => null },
  transform: { read: readTransform, whyNeverEnds: whyNeverFails },
  human: { read: readHuman, whyNeverEnds: whyHumanNeverEnds },
  wait: { read: readWait, whyNeverEnds: whyNeverFails },
  event: { read: readEvent, whyNeverEnds: whyEventNeverEnds },
  publish: { read: readPublish, whyNeverEnds: whyNeverFails },
  workflow: { read: readWorkflow, whyNeverEnds: whyWorkflowNeverEnds },
  forEach: { read: readForEach, whyNeverEnds: whyForEachNeverEnds },
  repeat: { read: readRepeat, whyNeverEnds: whyRepeatNeverEnds },
};

export const nodeTypes: readonly string[] = Object.keys(readers);

export function isNodeType(type: string): type is NodeType {
  return Object.hasOwn(readers, type);
}

export function readerOf(type: NodeType): (context: NodeContext) => Node {
  return readers[type].read;
}

export function whyNeverEnds<Type extends NodeType>(node: Extract<Node, { readonly type: Type }>, on: FailureEnding): string | null {
  const { whyNeverEnds: why }: NodeReader<Type> = readers[node.type as Type];
  return why(node, on);
}
