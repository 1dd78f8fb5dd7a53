/**
 * The entries of one row of the history, which are those of one step: without what the entry before says too (the next number, the same cause and time),
 * and without what is so as a rule. Rows that were written before, with all members of each entry, are read too.
 */
import type { InstanceEvent } from '../../core/instance/history/events.ts';
import { nodeIdOfPath } from '../../core/instance/state/scopes.ts';
import { endsPart, type InParts } from '../../core/parts.ts';
import type { StoredEntry } from './history.ts';
import { without } from './short-form.ts';

/** As it stands in the database. */
export type WrittenEntry = { readonly seq?: number; readonly cause?: string; readonly event: object };
type Fields = { readonly [field: string]: unknown };

/** Members that these events may lack, with their values. */
const usual: { readonly [Type in InstanceEvent['type']]?: Fields } = {
  TaskCompleted: { by: null, commandId: null },
  TaskFailed: { by: null, commandId: null },
  NodeExited: { set: null },
};
const usualPayload: Fields = { queueTimeoutMs: null };
/** Their nodes are told by their paths. */
const ofNodes: ReadonlySet<unknown> = new Set<InstanceEvent['type']>(['TaskScheduled', 'TaskCompleted', 'TaskFailed']);

/** As they stand in their row. */
export function* entriesText(entries: readonly StoredEntry[]): InParts<string> {
  const texts: string[] = [];
  for (const entry of shortEntries(entries)) {
    if (endsPart(texts.length)) yield;
    texts.push(JSON.stringify(entry));
  }
  return `[${texts.join(',')}]`;
}

function* shortEntries(entries: readonly StoredEntry[]): Generator<WrittenEntry> {
  let before: { readonly seq: number; readonly cause: string; readonly at: unknown } | null = null;
  for (const { seq, cause, event } of entries) {
    // Of whatever type it is.
    const fields = event as Fields;
    const written: WrittenEntry = {
      ...(before !== null && seq === before.seq + 1 ? {} : { seq }),
      ...(cause === before?.cause ? {} : { cause }),
      event: shortEvent(fields, before?.at),
    };
    before = { seq, cause, at: fields.at };
    yield written;
  }
}

function shortEvent(event: Fields, at: unknown): Fields {
  const short: Record<string, unknown> = {};
  for (const name in event) {
    const value = event[name];
    if (value !== undefined && isImplied(event, name, value, at)) continue;
    const isPayload = event.type === 'TaskScheduled' && name === 'payload' && typeof value === 'object' && value !== null;
    short[name] = isPayload ? without(value, usualPayload) : value;
  }
  return short;
}

/** Whether `impliedIn` gives this value for the member. */
function isImplied({ type, path }: Fields, name: string, value: unknown, at: unknown): boolean {
  if (name === 'at') return value === at;
  if (name === 'nodeId' && ofNodes.has(type) && typeof path === 'string') return value === nodeIdOfPath(path);
  const members = usual[type as InstanceEvent['type']];
  return members !== undefined && Object.hasOwn(members, name) && value === members[name];
}

export function longEntries(written: readonly WrittenEntry[]): readonly StoredEntry[] {
  return lazyEntries(written).map(({ long }) => long());
}

/** An entry that is made whole only where it is wanted: a row may have tens of thousands, of which a page shows five hundred. */
export type LazyEntry = { readonly seq: number; readonly type: unknown; readonly long: () => StoredEntry };

export function lazyEntries(written: readonly WrittenEntry[]): readonly LazyEntry[] {
  let before: { readonly seq: number; readonly cause: string; readonly at: unknown } = { seq: 0, cause: '', at: undefined };
  return written.map(({ seq = before.seq + 1, cause = before.cause, event }): LazyEntry => {
    const short: Fields = { ...event };
    const { at } = before;
    before = { seq, cause, at: Object.hasOwn(short, 'at') ? short.at : at };
    return { seq, type: short.type, long: () => ({ seq, cause, event: longEvent(short, at) }) };
  });
}

function longEvent(short: Fields, at: unknown): Fields {
  const event = { ...impliedIn(short, at), ...short };
  const { type, payload } = event as Fields;
  if (type !== 'TaskScheduled' || typeof payload !== 'object') return event;
  return { ...event, payload: { ...usualPayload, ...payload } };
}

/** @param at of the entry before; undefined: there is none. */
function impliedIn({ type, path }: Fields, at: unknown): Fields {
  return {
    ...(at === undefined ? {} : { at }),
    ...usual[type as InstanceEvent['type']],
    ...(ofNodes.has(type) && typeof path === 'string' ? { nodeId: nodeIdOfPath(path) } : {}),
  };
}
