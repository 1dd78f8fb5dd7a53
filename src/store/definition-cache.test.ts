import { describe, expect, it } from 'vitest';
import { ALL_MARKED, masked } from '../core/definition/typed/marks.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { createDefinitionCache } from './definition-cache.ts';
import type { StoredDefinition } from './definition-store.ts';

const id = 'order' as DefinitionId;
const document: Json = { id: 'order', nodes: { a: { type: 'transform', output: 1 } } };

function openCache() {
  const asked: PromiseWithResolvers<StoredDefinition | null>[] = [];
  const cache = createDefinitionCache({
    get: () => {
      const answer = Promise.withResolvers<StoredDefinition | null>();
      asked.push(answer);
      return answer.promise;
    },
    latestVersion: () => Promise.resolve(null),
    hints: () => Promise.resolve({ mayHoldMarks: true, mayHaveChildren: false }),
  });
  return { asked, cache };
}

const stored = (content: Json) => ({ document: content }) as StoredDefinition;

describe('The cache of definitions', () => {
  it('loads a version once for all who ask at the same time, and has it at hand afterwards', async () => {
    const { asked, cache } = openCache();
    const both = [cache.get(id, 1), cache.get(id, 1)];
    expect(cache.peek(id, 1)).toBeUndefined();
    asked[0]?.resolve(stored(document));
    const [first, second] = await Promise.all(both);
    expect(first?.id).toBe('order');
    expect(second).toBe(first);
    expect(cache.peek(id, 1)).toBe(first);
    expect(asked).toHaveLength(1);
  });

  it('asks again after a failure, and for a version that was not there', async () => {
    const { asked, cache } = openCache();
    const failing = cache.get(id, 1);
    asked[0]?.reject(new Error('the database is away'));
    await expect(failing).rejects.toThrow('away');
    const missing = cache.get(id, 1);
    asked[1]?.resolve(null);
    expect(await missing).toBeNull();
    const found = cache.get(id, 1);
    asked[2]?.resolve(stored(document));
    expect((await found)?.id).toBe('order');
  });

  it('tells what views must mask, and loads no version that marks nothing for it', async () => {
    let asked = 0;
    const marked: Json = { ...(document as JsonObject), input: { properties: { card: { sensitive: true } } } };
    const cache = createDefinitionCache({
      get: async (_id, version) => {
        asked++;
        return version === 2 ? stored(marked) : null;
      },
      latestVersion: async () => null,
      hints: async (_id, version) => (version === 3 ? null : { mayHoldMarks: version === 2, mayHaveChildren: false }),
    });
    expect(await cache.marks(id, 1)).toBeNull();
    expect(await cache.marks(id, 1)).toBeNull();
    expect(asked).toBe(0);
    const marks = await cache.marks(id, 2);
    expect(marks === null ? null : masked(marks.input, { card: 1, other: 2 })).toEqual({ card: '***', other: 2 });
    expect(await cache.marks(id, 2)).toBe(marks);
    expect(asked).toBe(1);
    expect(await cache.marks(id, 3)).toBe(ALL_MARKED);
  });

  it('refuses a version that this engine no longer reads, with what is wrong with it', async () => {
    const { asked, cache } = openCache();
    const refused = cache.get(id, 1);
    asked[0]?.resolve(stored({ id: 'order', nodes: {} }));
    await expect(refused).rejects.toMatchObject({ code: 'MR_DEFINITION_UNREADABLE', retryable: false });
  });
});
