/** Reads a `publish` node: it sends an event. */
import type { PublishNode } from '../../definition/types.ts';
import { type NodeContext, opening, readCommon, readEventType, readKey, readLiteral } from '../common/node-context.ts';

/** Kafka's own rule. */
const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

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
