/** Entries to be undone as they are stored: with the numbers of the history entries in place of payloads. */
import type { Undo, UndoEntry } from '../../core/instance/state/state.ts';
import type { JsonObject } from '../../core/json.ts';
import { type Payloads, payloadAt, seqsIn } from './payloads.ts';

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** `hasNames`: the entry has a compensation with names, perhaps no names at all. Otherwise it is only awaited. */
export type StoredEntry = Without<UndoEntry, 'names' | 'input' | 'output' | 'payload'> & { readonly hasNames: boolean };
export type StoredUndo = Omit<Undo, 'current'> & { readonly current: StoredEntry | null };

export function storedEntry({ names, ...entry }: UndoEntry): StoredEntry {
  const hasNames = names !== null;
  if (entry.status === 'done') {
    const { input: _, output: __, ...rest } = entry;
    return { ...rest, hasNames };
  }
  if (entry.status === 'awaitedChild') {
    const { input: _, ...rest } = entry;
    return { ...rest, hasNames };
  }
  if (entry.status === 'planned') return { ...entry, hasNames };
  const { input: _, ...payload } = entry.payload;
  const stored = { ...entry, payload, hasNames };
  return stored;
}

export function storedUndo(undo: Undo): StoredUndo {
  return { ...undo, current: undo.current === null ? null : storedEntry(undo.current) };
}

export function seqsOfEntry(stored: StoredEntry): readonly number[] {
  const { namesSeq, inputSeq, outputSeq, payload } = partsOf(stored);
  const input = payload?.inputSeq ?? inputSeq ?? null;
  return [...(stored.hasNames ? [namesSeq] : []), ...(input === null ? [] : [input]), ...seqsIn(outputSeq ?? null)];
}

export function restoreEntry(stored: StoredEntry, payloads: Payloads): UndoEntry {
  const { hasNames, ...rest } = stored;
  const { namesSeq, inputSeq = null, outputSeq = null, payload } = partsOf(stored);
  const whole: Record<string, unknown> = { ...rest, names: hasNames ? ((payloadAt(payloads, namesSeq) ?? {}) as JsonObject) : null };
  if (rest.status === 'done') Object.assign(whole, { input: payloadAt(payloads, inputSeq), output: payloadAt(payloads, outputSeq) });
  if (rest.status === 'awaitedChild') whole.input = payloadAt(payloads, rest.inputSeq);
  if (payload !== undefined) whole.payload = { ...payload, input: payloadAt(payloads, payload.inputSeq) };
  // The payloads are back, and the rest is as it was written.
  return whole as UndoEntry;
}

export function restoreUndo({ current, ...undo }: StoredUndo, payloads: Payloads): Undo {
  const restored = current === null ? null : restoreEntry(current, payloads);
  return { ...undo, current: restored?.status === 'done' ? restored : null };
}

type Parts = Pick<UndoEntry, 'namesSeq'> & {
  readonly inputSeq?: number | null;
  readonly outputSeq?: (UndoEntry & { readonly status: 'done' })['outputSeq'];
  readonly payload?: { readonly inputSeq: number };
};

function partsOf(stored: StoredEntry): Parts {
  return stored as Parts;
}
