/** What a step has to say to children and to its parent: told from its books and its end, as they were and as they are. */
import { own } from '../../record.ts';
import { commandIdFor } from '../children/child-id.ts';
import { resultToTell } from '../children/parent.ts';
import type { RetryPassedOn } from '../history/events.ts';
import { allBooks, bookPathOf, taskOfBook } from '../state/scopes.ts';
import type { BookedChild, InstanceState } from '../state/state.ts';
import type { HistoryEntry } from '../step.ts';
import type { Effect } from './effects.ts';

/** Children that one step asks for or tells. The rows of the others are due at once, so that they are told by whoever asks after children. */
const TOLD_MAX = 500;

export function addChildEffects(
  effects: Effect[],
  before: InstanceState | null,
  after: InstanceState,
  history: readonly HistoryEntry[],
): void {
  const changed = new Set(history.flatMap(({ event }) => (isOfBooks(event) ? [bookPathOf(event.path)] : [])));
  let told = 0;
  for (const path of changed) {
    const was = bookIn(before, path);
    const is = bookIn(after, path);
    if (was !== undefined && was.childId !== is?.childId) effects.push({ type: 'strikeChild', childId: was.childId });
    if (is === undefined || is === was) continue;
    const message = told++ < TOLD_MAX ? (was?.childId === is.childId ? 'word' : 'start') : null;
    effects.push({ type: 'bookChild', path: taskOfBook(is), message });
  }
  if (resultToTell(after) !== null && (before === null || resultToTell(before) === null)) effects.push({ type: 'tellParent' });
}

type OfBooks = HistoryEntry['event'] & { readonly type: 'ChildRequested' | 'ChildTold' | 'ChildEnded' };

function isOfBooks(event: HistoryEntry['event']): event is OfBooks {
  return event.type === 'ChildRequested' || event.type === 'ChildTold' || event.type === 'ChildEnded';
}

function bookIn(state: InstanceState | null, path: BookedChild['path']): BookedChild | undefined {
  const part = state === null ? undefined : own(state.scopes, path);
  return part?.status === 'child' ? part : undefined;
}

/** A retry goes down to each child that still runs: it goes on at the leaf that failed. */
export function retriedChildren({ path, commandId, by, at }: RetryPassedOn, state: InstanceState): readonly Effect[] {
  const book = path === null ? undefined : bookIn(state, bookPathOf(path));
  const books = path === null ? allBooks(state) : book === undefined ? [] : [book];
  const running = books.filter(({ wish, detached }) => wish !== 'cancel' && !detached);
  return running.map(({ childId }) => ({ type: 'commandChild', childId, commandId: commandIdFor(commandId, childId), by, at }));
}
