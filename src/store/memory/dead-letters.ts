/** Dead letters: once each, by where they stand in their topic. */
import type { DeadLetterRow } from '../instance-queries.ts';
import type { NewDeadLetter } from '../instance-store.ts';
import type { MemoryTables } from './tables.ts';

export function saveDeadLetters(tables: MemoryTables, deadLetters: readonly NewDeadLetter[]): void {
  const known = new Set([...tables.deadLetters.values()].map(({ place }) => place));
  // As a database inserts them: in the order of their places.
  for (const deadLetter of deadLetters.toSorted((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)))) {
    const place = `${deadLetter.partition}/${deadLetter.offset}`;
    if (known.has(place)) continue;
    known.add(place);
    const id = String(tables.nextId());
    const { code, reason, original, instanceId, at, omitted } = deadLetter;
    tables.deadLetters.set(id, { place, id, code, reason, ...original, instanceId, at, omitted, status: 'open' });
  }
}

export function deadLetter({ deadLetters }: MemoryTables, id: string): DeadLetterRow | null {
  const found = deadLetters.get(id);
  if (found === undefined) return null;
  const { place: _, ...row } = found;
  return row;
}

/** @returns false when it was no longer open. */
export function closeDeadLetter({ deadLetters }: MemoryTables, id: string, status: 'replayed' | 'discarded'): boolean {
  const found = deadLetters.get(id);
  if (found?.status !== 'open') return false;
  deadLetters.set(id, { ...found, status });
  return true;
}
