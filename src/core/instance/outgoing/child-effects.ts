/** What a step has to say to children: told from its books, as they were and as they are. */
import { endsPart, type InParts } from '../../parts.ts';
import { own } from '../../record.ts';
import { commandIdFor } from '../children/child-id.ts';
import type { RetryPassedOn } from '../history/events.ts';
import { allBooks, bookPathOf, taskOfBook } from '../state/scopes.ts';
import type { BookedChild, InstanceState } from '../state/state.ts';
import type { HistoryEntry } from '../step.ts';
import type { Effect } from './effects.ts';

/** Children that one step asks for or tells. The rows of the others are due at once, so that they are told by whoever asks after children. */
const TOLD_MAX = 500;

export function* addChildEffects(
  effects: Effect[],
  before: InstanceState | null,
  after: InstanceState,
  history: readonly HistoryEntry[],
): InParts<void> {
  const changed = new Set(history.filter(isOfBooks).map(({ event }) => bookPathOf(event.path)));
  let told = 0;
  let looked = 0;
  for (const path of changed) {
    if (endsPart(looked++)) yield;
    const was = bookIn(before, path);
    const is = bookIn(after, path);
    if (was !== undefined && was.childId !== is?.childId) effects.push({ type: 'strikeChild', childId: was.childId });
    if (is === undefined || is === was) continue;
    const message = told++ < TOLD_MAX ? (was?.childId === is.childId ? 'word' : 'start') : null;
    effects.push({ type: 'bookChild', path: taskOfBook(is), message });
  }
}

type OfBooks = HistoryEntry & { readonly event: { readonly type: 'ChildRequested' | 'ChildTold' | 'ChildEnded' } };

/** Whether it changes what stands in the books. */
export function isOfBooks(entry: HistoryEntry): entry is OfBooks {
  const { type } = entry.event;
  return type === 'ChildRequested' || type === 'ChildTold' || type === 'ChildEnded';
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
