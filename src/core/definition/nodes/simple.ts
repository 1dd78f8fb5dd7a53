/** `transform`, `wait` and `publish`: what the core does by itself. */
import type { PublishNode, TransformNode, WaitNode } from '../types.ts';
import { type NodeContext, opening, readCommon, readEventType, readKey, readLiteral } from './common.ts';

/** Kafka's own rule. */
const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

export function readTransform(context: NodeContext): TransformNode {
  const { reader, expressions } = context;
  const output = reader.required('output', 'the value that the node makes');
  return { ...readCommon(context), type: 'transform', output: expressions.template(output ?? null, reader.at('output'), opening(context)) };
}

export function readWait(context: NodeContext): WaitNode {
  const { reader } = context;
  return {
    ...readCommon(context),
    type: 'wait',
    wait: readWaitTime(context, reader.raw('for') !== undefined, reader.raw('until') !== undefined),
  };
}

function readWaitTime({ reader, expressions, id }: NodeContext, hasFor: boolean, hasUntil: boolean): WaitNode['wait'] {
  if (hasFor === hasUntil) {
    const code = hasFor ? 'MR_DEF_SHAPE' : 'MR_DEF_MISSING_FIELD';
    reader.errors.add(reader.pointer, code, 'A wait needs either "for" (a duration) or "until" (a time), and not both.');
  }
  const place = { kind: 'opening', nodeId: id } as const;
  const until = reader.raw('until');
  if (until !== undefined) return { kind: 'until', instant: expressions.instant(until, reader.at('until'), place) };
  return { kind: 'for', duration: expressions.duration(reader.raw('for') ?? '1s', reader.at('for'), place, 0) };
}

export function readPublish(context: NodeContext): PublishNode {
  const { reader, expressions } = context;
  return {
    ...readCommon(context),
    type: 'publish',
    event: readEventType(reader),
    key: readKey(reader, expressions, opening(context)),
    data: expressions.template(reader.raw('data') ?? {}, reader.at('data'), opening(context)),
    topic: readLiteral(reader, 'topic', TOPIC, 'letters, digits and . _ -, at most 249 characters') ?? null,
  };
}
