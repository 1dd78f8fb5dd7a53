/** Reads `outcomes` and `approvals`: what people choose between, and how many of them decide. */
import type { ObjectReader } from '../../definition/object-reader.ts';
import type { ApprovalSetting } from '../../definition/types.ts';
import type { Template } from '../../expression/index.ts';
import type { Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { type NodeContext, opening } from '../common/node-context.ts';

const OUTCOMES_MAX = 20;
/** Votes of one task: its state holds them while it is open. */
const VOTES_MAX = 50;
const OUTCOME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export function readOutcomes(reader: ObjectReader): readonly string[] | null {
  const outcomes = reader.strings('outcomes');
  if (outcomes === undefined) return null;
  if (outcomes.length < 2 || outcomes.length > OUTCOMES_MAX) reader.refuse('outcomes', `an array of 2 to ${OUTCOMES_MAX} names`);
  for (const [index, outcome] of outcomes.entries()) {
    const pointer = pointerTo(reader.at('outcomes'), index);
    if (!OUTCOME.test(outcome))
      reader.errors.add(pointer, 'MR_DEF_ID', 'An outcome is a letter, then letters, digits, _ and -, at most 64 characters.');
    else if (outcomes.indexOf(outcome) < index)
      reader.errors.add(pointer, 'MR_DEF_DUPLICATE', `The outcome "${outcome}" stands twice: name each once.`);
  }
  return outcomes;
}

export function readApprovals(context: NodeContext, outcomes: readonly string[] | null): ApprovalSetting | null {
  const approvals = context.reader.nested('approvals', 'an object such as { "atLeast": 2 }');
  if (approvals === undefined) return null;
  const atLeast = approvals.integer('atLeast', 1, VOTES_MAX) ?? 1;
  const of = approvals.integer('of', 1, VOTES_MAX) ?? null;
  if (of !== null && of < atLeast)
    approvals.errors.add(approvals.at('of'), 'MR_DEF_SHAPE', `"of" must not be smaller than "atLeast", which is ${atLeast}.`);
  if (of !== null && outcomes === null)
    approvals.errors.add(
      approvals.at('of'),
      'MR_DEF_SHAPE',
      '"of" has no meaning without "outcomes", since every vote is for the same: give "outcomes", or leave "of" out.',
    );
  const setting = { atLeast, of, notBy: readNotBy(context, approvals) };
  approvals.end('"approvals"');
  return setting;
}

/** One expression, or an array of names and expressions. */
function readNotBy(context: NodeContext, approvals: ObjectReader): Template | null {
  const value = approvals.raw('notBy');
  if (value === undefined) return null;
  const isPerson = (name: Json): boolean => typeof name === 'string' && name !== '';
  const names = Array.isArray(value) ? value : [value];
  if (names.length > 0 && names.every(isPerson)) return context.expressions.template(value, approvals.at('notBy'), opening(context));
  approvals.refuse('notBy', 'an expression such as "${ instance.startedBy }", or an array of names and expressions');
  return null;
}
