/**
 * The books of a parent: the children that it asked for and whose end it has not heard. What it wants of each follows from
 * its own state alone: the child runs while its task is open (also one that undoes), is paused while the parent is, and is cancelled
 * otherwise.
 */
import { allBooks, bookAt, taskAt, taskOfBook } from '../state/scopes.ts';
import { type BookedChild, type InstanceState, isOpen, isPaused, opensTasks } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';
import type { ChildRequest, Wish } from './messages.ts';

const NOTHING: readonly NewEvent[] = [];

/** Whether no child is left whose end is awaited. Detached ones are not awaited. */
export function areBooksEmpty({ childCount = 0 }: Pick<InstanceState, 'childCount'>): boolean {
  return childCount === 0;
}

/** How many instances stand above a child of this one. */
function depthOfChild({ parent }: Pick<InstanceState, 'parent'>): number {
  return (parent?.depth ?? 0) + 1;
}

/** The child in the books, as its start and words name it. */
export function requestOf(state: InstanceState, book: BookedChild): ChildRequest {
  const { attempt, detached, wish, number, definitionId, version: definitionVersion } = book;
  const parent = { kind: 'instance', instanceId: state.instanceId, path: taskOfBook(book), attempt } as const;
  return { parent, depth: depthOfChild(state), detached, wish, number, definitionId, definitionVersion };
}

/** What children are told because of an event: at once, also while the instance is paused and when it has ended. */
export function toldAfter(view: View, event: NewEvent): readonly NewEvent[] {
  switch (event.type) {
    // By hand: the end of a child leaves the books first.
    case 'TaskCompleted':
    case 'TaskFailed':
    case 'TaskCancelled': {
      // Without a child in the books nothing has to be loaded.
      if (event.kind !== 'workflow' || areBooksEmpty(view.state)) return NOTHING;
      const book = bookAt(view.state, event.path);
      return book === undefined ? NOTHING : tell(view.state, book);
    }
    case 'InstancePaused':
    case 'InstanceResumed':
    case 'ParentWished':
      return areBooksEmpty(view.state) ? NOTHING : allBooks(view.state).flatMap((book) => tell(view.state, book));
    default:
      return NOTHING;
  }
}

function tell(state: InstanceState, book: BookedChild): readonly NewEvent[] {
  const { childId, attempt, detached } = book;
  const path = taskOfBook(book);
  const wish = wishOf(state, book);
  if (detached || wish === book.wish) return NOTHING;
  return [{ type: 'ChildTold', path, attempt, childId, wish, number: book.number + 1 }];
}

function wishOf(state: InstanceState, book: BookedChild): Wish {
  // A cancel is final, and the task may be gone with its item.
  if (book.wish === 'cancel' || !opensTasks(state)) return 'cancel';
  const task = taskAt(state, taskOfBook(book));
  if (task === undefined || !isOpen(task) || task.attempt !== book.attempt) return 'cancel';
  return isPaused(state) ? 'pause' : 'run';
}
