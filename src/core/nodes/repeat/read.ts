/** Reads a `repeat` node: it runs its body again and again. */
import type { RepeatNode } from '../../definition/types.ts';
import type { FailureEnding } from '../common/failure-ending.ts';
import { type NodeContext, readCommon, readDuration } from '../common/node-context.ts';

const ROUNDS_MAX = 100_000;
export const roundsMaxDefault = 1_000;

export function readRepeat(context: NodeContext): RepeatNode {
  const { reader } = context;
  return {
    ...readCommon(context),
    type: 'repeat',
    condition: readRepeatCondition(context),
    max: reader.integer('max', 1, ROUNDS_MAX) ?? roundsMaxDefault,
    delay: readDuration(context, 'delay'),
    timeout: readDuration(context, 'timeout'),
    body: context.readBody({ type: 'repeat', as: null }),
  };
}

function readRepeatCondition({ reader, expressions, scope, id }: NodeContext): RepeatNode['condition'] {
  const [until, whilst] = [reader.raw('until'), reader.raw('while')];
  if ((until === undefined) === (whilst === undefined)) {
    const code = until === undefined ? 'MR_DEF_MISSING_FIELD' : 'MR_DEF_SHAPE';
    reader.errors.add(
      reader.pointer,
      code,
      'A repeat needs either "until" (asked after a round) or "while" (asked before one), and not both.',
    );
  }
  const place = { kind: 'round', scope, nodeId: id } as const;
  const kind = until === undefined ? 'while' : 'until';
  const given = until === undefined ? whilst : until;
  return { kind, holds: expressions.condition(given === undefined ? 'true' : given, reader.at(kind), place) };
}

export function whyRepeatNeverEnds({ name, timeout }: RepeatNode, on: FailureEnding): string | null {
  return on === 'timedOut' && timeout === null ? `"${name}" has no "timeout".` : null;
}
