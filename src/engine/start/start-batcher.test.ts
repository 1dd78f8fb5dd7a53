import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { Start, StartResult } from '../../store/instance-store.ts';
import { createStartBatcher } from './start-batcher.ts';

/** Only what the batcher looks at. */
function startOf(name: string, key: string | null = null): Start {
  return {
    transition: { instanceId: name, after: { definitionId: 'd' } },
    idempotency: key === null ? null : { key, bodyHash: 'h' },
  } as unknown as Start;
}

/** A store whose transactions end when the test says so. */
function slowStore() {
  const batches: { readonly names: readonly string[]; readonly end: PromiseWithResolvers<readonly StartResult[]> }[] = [];
  return {
    batches,
    store: {
      start: (starts: readonly Start[]) => {
        const end = Promise.withResolvers<readonly StartResult[]>();
        batches.push({ names: starts.map(({ transition }) => String(transition.instanceId)), end });
        return end.promise;
      },
    },
    commit(index: number) {
      const batch = batches[index];
      batch?.end.resolve(batch.names.map(() => ({ kind: 'started' })));
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Starts', () => {
  it('that arrive together share a transaction, and what arrives meanwhile shares the next', async () => {
    const { store, batches, commit } = slowStore();
    const batcher = createStartBatcher(store, { inFlightMax: 1 });
    const first = ['a', 'b'].map((name) => batcher.submit(startOf(name)));
    await turn();
    const second = ['c', 'd', 'e'].map((name) => batcher.submit(startOf(name)));
    await turn();
    expect(batches.map(({ names }) => names)).toEqual([['a', 'b']]);
    commit(0);
    await Promise.all(first);
    await turn();
    expect(batches.map(({ names }) => names)).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    commit(1);
    expect(await Promise.all(second)).toEqual([{ kind: 'started' }, { kind: 'started' }, { kind: 'started' }]);
  });

  it('are not more than fit into a transaction', async () => {
    const { store, batches } = slowStore();
    const batcher = createStartBatcher(store, { inFlightMax: 2, batchMax: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) void batcher.submit(startOf(name));
    await turn();
    expect(batches.map(({ names }) => names)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(batcher.waiting).toBe(1);
  });

  it('with the same idempotency key go into different transactions', async () => {
    const { store, batches, commit } = slowStore();
    const batcher = createStartBatcher(store, { inFlightMax: 1 });
    for (const name of ['a', 'b', 'c']) void batcher.submit(startOf(name, name === 'c' ? null : 'k'));
    await turn();
    commit(0);
    await turn();
    await turn();
    expect(batches.map(({ names }) => names)).toEqual([['a', 'c'], ['b']]);
  });

  it('beyond what may wait are refused at once', async () => {
    const { store } = slowStore();
    const batcher = createStartBatcher(store, { waitingMax: 1 });
    void batcher.submit(startOf('a'));
    await expect(batcher.submit(startOf('b'))).rejects.toMatchObject({ retryable: true, code: 'MR_TOO_MANY_STARTS' });
  });

  it('are tried alone when one of them may have failed all', async () => {
    const batches: number[] = [];
    const batcher = createStartBatcher({
      start: async (starts) => {
        batches.push(starts.length);
        if (starts.some(({ transition }) => String(transition.instanceId) === 'bad')) throw new Error('this one cannot be written');
        return starts.map(() => ({ kind: 'started' }));
      },
    });
    const results = await Promise.allSettled(['a', 'bad', 'c'].map((name) => batcher.submit(startOf(name))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(batches).toEqual([3, 1, 1, 1]);
  });

  it('are not tried again when the database is away: whoever sent them does', async () => {
    let calls = 0;
    const batcher = createStartBatcher({
      start: () => {
        calls++;
        return Promise.reject(new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true }));
      },
    });
    const results = await Promise.allSettled(['a', 'b'].map((name) => batcher.submit(startOf(name))));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(1);
  });
});
