/** Rows of the history: short, and those that were written before are read as they are. */

import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import { graphOf } from '../../core/definition/testing/documents.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';
import { toEnd } from '../../core/parts.ts';
import { type StoredEntry, storeHistory } from './history.ts';
import { entriesText, longEntries, type WrittenEntry } from './short-history.ts';

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };

/** A step in which one task ends and the next is opened. */
function entriesOf(history: readonly HistoryEntry[]): readonly StoredEntry[] {
  return JSON.parse(JSON.stringify(storeHistory(history, new Map()))) as StoredEntry[];
}

const throughDatabase = (entries: readonly StoredEntry[]) => longEntries(JSON.parse(toEnd(entriesText(entries))) as WrittenEntry[]);

describe('A row of the history', () => {
  it('says what its entries have in common once, and is read whole', () => {
    const { history } = new Scenario(graphOf({ pick: work, pack: work }, ['pick>pack'])).completes('pick', 1).fails('pack');
    const entries = entriesOf(history);
    expect(throughDatabase(entries)).toEqual(entries);
    expect(toEnd(entriesText(entries)).length).toBeLessThan(JSON.stringify(entries).length * 0.75);
  });

  it('keeps gaps in numbers, other causes and times, and what is unusual', () => {
    const [completed, exited] = [
      { type: 'TaskCompleted', path: 'a.1.b', nodeId: 'elsewhere', attempt: 2, by: 'ada', commandId: null, at: 5 },
      { type: 'NodeExited', path: 'a.1.b', takenEdges: [], set: { n: 1 }, at: 6 },
    ];
    const entries: readonly StoredEntry[] = [
      { seq: 3, cause: 'x', event: completed ?? {} },
      { seq: 5, cause: 'y', event: exited ?? {} },
    ];
    expect(throughDatabase(entries)).toEqual(entries);
    expect(JSON.parse(toEnd(entriesText(entries)))).toMatchObject([{ seq: 3 }, { seq: 5, cause: 'y', event: { at: 6, set: { n: 1 } } }]);
  });

  it('that was written with all members is read as it is', () => {
    const { history } = new Scenario(graphOf({ pick: work, pack: work }, ['pick>pack'])).completes('pick', 1);
    const entries = entriesOf(history);
    expect(longEntries(entries)).toEqual(entries);
  });
});
