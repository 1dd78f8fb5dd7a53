/** The books of parents: written by steps, and read by whoever asks after children that were unheard of for long. */
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import { addressOf } from '../../core/instance/children/messages.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { ASK_MS_MIN, askAgainMs, type ChildRow } from '../books.ts';
import type { TransitionRows } from '../stored/transition-rows.ts';
import { type MemoryTables, taskKey } from './tables.ts';

/** The key of a row, by parent and child. */
export function bookKey({ childId, request }: ChildRow): string {
  return taskKey(addressOf(request.parent), childId);
}

export function writeBooks(
  { children, ...tables }: Pick<MemoryTables, 'children'> & { readonly now: EpochMs },
  rows: TransitionRows,
): void {
  const { now } = tables;
  for (const { instanceId, childId } of rows.struckChildren) children.delete(taskKey(instanceId, childId));
  for (const { message, book, request } of rows.bookedChildren) {
    const { childId } = book;
    const isSaid = message !== null;
    children.set(bookKey({ childId, request }), { childId, request, askAt: isSaid ? now + ASK_MS_MIN : now, asked: isSaid ? 0 : -1 });
  }
}

export function booksOf({ children }: Pick<MemoryTables, 'children'>, instanceId: InstanceId): readonly ChildRow[] {
  const found = [...children.values()].filter(({ request }) => addressOf(request.parent) === instanceId);
  return found.sort((a, b) => (a.childId < b.childId ? -1 : 1)).map(({ childId, request }) => ({ childId, request }));
}

/** @returns how many were taken. */
export function askChildren(tables: MemoryTables, limit: number, encode: (child: ChildRow) => OutboxMessage): number {
  const now = tables.now();
  const inOrder = [...tables.children.values()].sort((a, b) => a.askAt - b.askAt);
  const due = inOrder.slice(0, limit).filter(({ askAt }) => askAt <= now);
  const messages = due.map(encode);
  tables.outbox.check(messages);
  for (const row of due) tables.children.set(bookKey(row), { ...row, asked: row.asked + 1, askAt: now + askAgainMs(row.asked) });
  tables.outbox.add(messages, now);
  return due.length;
}
