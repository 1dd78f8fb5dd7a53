/**
 * Payloads (inputs, outputs and received events of nodes) are stored once, with the history entry that brought them. Everything
 * else holds the number of that entry, its `seq`. A payload that is null is not stored at all.
 */
import type { PayloadSeq } from '../../core/instance/state/state.ts';
import type { Json } from '../../core/json.ts';

/** By the number of their entry. */
export type Payloads = ReadonlyMap<number, Json>;

/** As one JSON object; null: there are none. */
export function payloadsText(payloads: Payloads): string | null {
  if (payloads.size === 0) return null;
  const members: string[] = [];
  for (const [seq, payload] of payloads) members.push(`"${seq}":${JSON.stringify(payload)}`);
  return `{${members.join(',')}}`;
}

/** As they are stored with a row of the history. */
export type StoredPayloads = { readonly [seq: string]: Json };

export function readPayloadsInto(payloads: Map<number, Json>, stored: StoredPayloads | null): void {
  if (stored !== null) for (const [seq, payload] of Object.entries(stored)) payloads.set(Number(seq), payload);
}

/** The entries that a payload is made of. */
export function seqsIn(seq: PayloadSeq | null): readonly number[] {
  if (seq === null) return [];
  return typeof seq === 'number' ? [seq] : seq.filter((each) => each !== null);
}

export function payloadAt(payloads: Payloads, seq: PayloadSeq | null): Json {
  if (seq === null) return null;
  if (typeof seq === 'number') return payloads.get(seq) ?? null;
  return seq.map((each) => payloadAt(payloads, each));
}
