/** A child hears its parent, and tells it how it ended. */
import { endInstance } from '../decide/ending.ts';
import type { Effect } from '../outgoing/effects.ts';
import { openScopes } from '../state/scopes.ts';
import type { InstanceState } from '../state/state.ts';
import { accepted, rejected, type Verdict, type View } from '../view.ts';
import { areBooksEmpty } from './books.ts';
import { addressOf, type ChildRequest, type ChildResult, type Parent } from './messages.ts';

/** A start or a word for an instance that is there. Each is answered when it has ended, since the end that it told may be lost. */
export function hearParent(view: View, { parent, wish, number }: ChildRequest): Verdict {
  const { state } = view;
  const mine = state.parent;
  if (mine === undefined || addressOf(mine.parent) !== addressOf(parent))
    return rejected('MR_CHILD_STALE', 'The instance is no child of whoever sent this.');
  const answers: readonly Effect[] = resultToTell(state) === null ? [] : [{ type: 'tellParent' }];
  const isApplied = number <= mine.number;
  if (mine.detached || state.phase !== 'running' || isApplied) {
    const why =
      state.phase === 'running'
        ? `The wish ${number} of the parent, or a later one, was applied before.`
        : `The instance is ${state.phase}: it takes no wish any more.`;
    return { ...rejected('MR_CHILD_STALE', why), answers };
  }
  if (wish === 'cancel') {
    return accepted(...endInstance(view, { status: 'cancelled', by: parentName(parent), commandId: null, reason: null }));
  }
  // Timers of every scope change. All scopes are asked for here, so that none is missing when the event is applied.
  openScopes(state);
  return accepted({ type: 'ParentWished', wish, number });
}

/** What the parent is to be told by now; null: nothing yet, or there is no parent. An end says that nothing below runs any more. */
export function resultToTell(state: InstanceState): ChildResult | null {
  const { parent, phase, output, error } = state;
  if (parent === undefined) return null;
  if (parent.detached) return { status: 'started' };
  if (state.endedAt === null || !areBooksEmpty(state)) return null;
  switch (phase) {
    case 'completed':
      return { status: phase, output };
    case 'failed':
      return { status: phase, error: error ?? { code: 'FAILED', message: 'It failed.' } };
    default:
      return { status: 'cancelled' };
  }
}

/** As history names it. */
export function parentName(parent: Parent): string {
  return `${parent.kind}:${addressOf(parent)}`;
}
