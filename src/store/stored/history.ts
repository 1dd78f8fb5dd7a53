/** History as it is stored: entries without payloads, and the payloads of those that brought one. */
import type { InstanceEvent } from '../../core/instance/history/events.ts';
import type { PayloadSeq } from '../../core/instance/state/state.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { type Payloads, payloadAt, seqsIn } from './payloads.ts';

/** `event` lacks its payload: `input`, `payload.input`, `output`, `items`, `names` or `event`. */
export type StoredEntry = { readonly seq: number; readonly cause: string; readonly event: object };

/** @param payloads is filled with those that the entries bring. */
export function storeHistory(history: readonly HistoryEntry[], payloads: Map<number, Json>): StoredEntry[] {
  return history.map(({ seq, cause, event }) => {
    const payload = payloadOf(event);
    if (payload === undefined) return { seq, cause, event };
    if (payload !== null && seqOfPayload(event, seq) === seq) payloads.set(seq, payload);
    return { seq, cause, event: withoutPayload(event) };
  });
}

/** The entries whose payloads these entries need. */
export function seqsOfHistory(entries: readonly StoredEntry[]): readonly number[] {
  return entries.flatMap((entry) => seqsIn(payloadSeqOf(entry)));
}

/** Where the payload of an entry is stored. null: it has none. */
export function payloadSeqOf(entry: StoredEntry): PayloadSeq | null {
  return seqOfPayload(eventOf(entry), entry.seq);
}

/** Puts the payloads back. */
export function restoreHistory(entries: readonly StoredEntry[], payloads: Payloads): HistoryEntry[] {
  return entries.map((entry) => restoreEntry(entry, payloadAt(payloads, payloadSeqOf(entry))));
}

export function restoreEntry(entry: StoredEntry, payload: Json): HistoryEntry {
  const { seq, cause } = entry;
  return { seq, cause, event: withPayload(eventOf(entry), payload) };
}

/** Written by `storeHistory` from an event; what it lacks comes back by `withPayload`. */
function eventOf({ event }: StoredEntry): InstanceEvent {
  return event as InstanceEvent;
}

/** undefined: events of this type have none. */
function payloadOf(event: InstanceEvent): Json | undefined {
  switch (event.type) {
    case 'InstanceStarted':
    case 'WorkflowOpened':
      return event.input;
    case 'TaskScheduled':
      return event.payload.input;
    case 'EventReceived':
      return event.event;
    case 'ForEachOpened':
      return event.items;
    case 'ScopeEnded':
    case 'HumanTaskVoted':
    case 'TaskCompleted':
    case 'AwaitedTaskEnded':
    case 'InstanceCompleted':
      return event.output;
    case 'CompensationPlanned':
      return hasMembers(event.names) ? event.names : null;
    default:
      return undefined;
  }
}

/** Where the payload of an event is stored. null: the event has none. */
function seqOfPayload(event: InstanceEvent, seq: number): PayloadSeq | null {
  switch (event.type) {
    case 'TaskScheduled':
      return event.inputFrom ?? seq;
    case 'TaskCompleted':
      return event.outputFrom ?? seq;
    case 'InstanceStarted':
    case 'WorkflowOpened':
    case 'EventReceived':
    case 'ForEachOpened':
    case 'ScopeEnded':
    case 'HumanTaskVoted':
    case 'AwaitedTaskEnded':
    case 'CompensationPlanned':
    case 'InstanceCompleted':
      return seq;
    default:
      return null;
  }
}

function withoutPayload(event: InstanceEvent): object {
  switch (event.type) {
    case 'TaskScheduled':
      return { ...event, payload: without(event.payload, 'input') };
    case 'InstanceStarted':
    case 'WorkflowOpened':
      return without(event, 'input');
    case 'EventReceived':
      return without(event, 'event');
    case 'ForEachOpened':
      return without(event, 'items');
    case 'ScopeEnded':
      return without(event, 'output');
    case 'HumanTaskVoted':
      return without(event, 'output');
    case 'TaskCompleted':
      return without(event, 'output');
    case 'AwaitedTaskEnded':
      return without(event, 'output');
    case 'CompensationPlanned':
      return without(event, 'names');
    case 'InstanceCompleted':
      return without(event, 'output');
    default:
      return event;
  }
}

function withPayload(event: InstanceEvent, payload: Json): InstanceEvent {
  switch (event.type) {
    case 'InstanceStarted':
    case 'WorkflowOpened':
      return { ...event, input: payload };
    case 'TaskScheduled':
      return { ...event, payload: { ...event.payload, input: payload } };
    case 'EventReceived':
      return { ...event, event: payload };
    case 'ForEachOpened':
      // It was written from an array.
      return { ...event, items: payload as readonly Json[] };
    case 'ScopeEnded':
    case 'HumanTaskVoted':
    case 'TaskCompleted':
    case 'AwaitedTaskEnded':
    case 'InstanceCompleted':
      return { ...event, output: payload };
    case 'CompensationPlanned':
      // An entry without names has no payload.
      return { ...event, names: (payload ?? {}) as JsonObject };
    default:
      return event;
  }
}

function without<T extends object>(value: T, key: keyof T): Partial<T> {
  const kept: Partial<T> = {};
  for (const name in value) if (name !== key) kept[name] = value[name];
  return kept;
}

function hasMembers(object: JsonObject): boolean {
  for (const _ in object) return true;
  return false;
}
