/** `transform`, `wait` and `publish`: what the core does by itself. */
import type { PublishNode, TransformNode, WaitNode } from '../types.ts';
import { type NodeReading, opening, readCommon, readEventType, readKey, readLiteral } from './common.ts';

/** Kafka's own rule. */
const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

export function readTransform(reading: NodeReading): TransformNode {
  const { fields, expressions } = reading;
  const output = fields.required('output', 'the value that the node makes');
  return { ...readCommon(reading), type: 'transform', output: expressions.template(output ?? null, fields.at('output'), opening(reading)) };
}

export function readWait(reading: NodeReading): WaitNode {
  const { fields } = reading;
  return {
    ...readCommon(reading),
    type: 'wait',
    wait: readWaitTime(reading, fields.raw('for') !== undefined, fields.raw('until') !== undefined),
  };
}

function readWaitTime({ fields, expressions, id }: NodeReading, hasFor: boolean, hasUntil: boolean): WaitNode['wait'] {
  if (hasFor === hasUntil) {
    const code = hasFor ? 'MR_DEF_SHAPE' : 'MR_DEF_MISSING_FIELD';
    fields.faults.add(fields.pointer, code, 'A wait needs either "for" (a duration) or "until" (a time), and not both.');
  }
  const place = { kind: 'opening', nodeId: id } as const;
  const until = fields.raw('until');
  if (until !== undefined) return { kind: 'until', instant: expressions.instant(until, fields.at('until'), place) };
  return { kind: 'for', duration: expressions.duration(fields.raw('for') ?? '1s', fields.at('for'), place, 0) };
}

export function readPublish(reading: NodeReading): PublishNode {
  const { fields, expressions } = reading;
  return {
    ...readCommon(reading),
    type: 'publish',
    event: readEventType(fields),
    key: readKey(fields, expressions, opening(reading)),
    data: expressions.template(fields.raw('data') ?? {}, fields.at('data'), opening(reading)),
    topic: readLiteral(fields, 'topic', TOPIC, 'letters, digits and . _ -, at most 249 characters') ?? null,
  };
}
