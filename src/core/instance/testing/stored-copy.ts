/** What the database holds of one instance: its history without payloads, and the payloads by the number of their entry. */

import { restoreHistory, type StoredEntry, seqsOfHistory, storeHistory } from '../../../store/stored/history.ts';
import { readScope, readState, type WrittenScopeRow, type WrittenState } from '../../../store/stored/short-form.ts';
import { entriesText, longEntries, type WrittenEntry } from '../../../store/stored/short-history.ts';
import { restoreState, scopeText, seqsOfScope, seqsOfState, stateText } from '../../../store/stored/state.ts';
import { outputSeqOf } from '../../../store/stored/task-images.ts';
import type { Json } from '../../json.ts';
import { toEnd } from '../../parts.ts';
import { rootPath } from '../state/scopes.ts';
import type { InstanceState } from '../state/state.ts';
import type { HistoryEntry } from '../step.ts';
import { same } from './assertions.ts';

export class StoredCopy {
  readonly #payloads = new Map<number, Json>();
  readonly #entries: StoredEntry[] = [];
  #outputSeq: number | null = null;

  add(history: readonly HistoryEntry[]): void {
    const written = toEnd(entriesText(storeHistory(history, this.#payloads)));
    this.#entries.push(...longEntries(JSON.parse(written) as WrittenEntry[]));
    this.#outputSeq = outputSeqOf(history) ?? this.#outputSeq;
  }

  history(): readonly HistoryEntry[] {
    return restoreHistory(this.#entries, this.#payloadsOf(seqsOfHistory(this.#entries)));
  }

  /** The state as it comes back from the database. */
  roundTrip(state: InstanceState): InstanceState {
    const stored = readState(JSON.parse(stateText(state)) as WrittenState);
    const others = Object.values(state.scopes).filter(({ path }) => path !== rootPath);
    const scopes = others.map((scope) => readScope({ path: scope.path, scope: JSON.parse(scopeText(scope)) as WrittenScopeRow['scope'] }));
    const seqs = [...seqsOfState(stored, this.#outputSeq), ...scopes.flatMap(({ scope }) => seqsOfScope(scope))];
    const restored = restoreState(state.instanceId, stored, this.#outputSeq, this.#payloadsOf(seqs), scopes);
    same(restored, state, 'the stored state is the state');
    return restored;
  }

  /** Only those that are asked for, as the database gives them. */
  #payloadsOf(seqs: readonly number[]): ReadonlyMap<number, Json> {
    return new Map(seqs.flatMap((seq) => (this.#payloads.has(seq) ? [[seq, this.#payloads.get(seq) ?? null] as const] : [])));
  }
}
