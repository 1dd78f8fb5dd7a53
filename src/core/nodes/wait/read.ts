/** Reads a `wait` node: it lets time pass. */
import type { WaitNode } from '../../definition/types.ts';
import { type NodeContext, opening, readCommon } from '../common/node-context.ts';

export function readWait(context: NodeContext): WaitNode {
  const { reader } = context;
  return {
    ...readCommon(context),
    type: 'wait',
    wait: readWaitTime(context, reader.raw('for') !== undefined, reader.raw('until') !== undefined),
  };
}

function readWaitTime(context: NodeContext, hasFor: boolean, hasUntil: boolean): WaitNode['wait'] {
  const { reader, expressions } = context;
  if (hasFor === hasUntil) {
    const code = hasFor ? 'MR_DEF_SHAPE' : 'MR_DEF_MISSING_FIELD';
    reader.errors.add(reader.pointer, code, 'A wait needs either "for" (a duration) or "until" (a time), and not both.');
  }
  const place = opening(context);
  const until = reader.raw('until');
  if (until !== undefined) return { kind: 'until', instant: expressions.instant(until, reader.at('until'), place) };
  const duration = reader.raw('for');
  return { kind: 'for', duration: expressions.duration(duration === undefined ? '1s' : duration, reader.at('for'), place, 0) };
}
