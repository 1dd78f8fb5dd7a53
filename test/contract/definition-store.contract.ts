/** What every definition store must do: Postgres, and the one in memory. */
import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DefinitionId } from '../../src/core/ids.ts';
import { canonicalJson, type JsonObject } from '../../src/core/json.ts';
import type { ApiKey, DefinitionStore } from '../../src/store/definition-store.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testDefinitionStore(factory: () => Promise<DefinitionStore>): void {
  let store: DefinitionStore;

  beforeAll(async () => {
    store = await factory();
  });

  const id = (text: string) => text as DefinitionId;

  function deploy(name: string, document: JsonObject) {
    return store.deploy(id(name), document, createHash('sha256').update(canonicalJson(document)).digest('hex'), 'ada');
  }

  describe('definitions', () => {
    it('gives the same content the same version, and each change the next', async () => {
      expect(await deploy('a', { n: 1 })).toEqual({ version: 1, created: true });
      expect(await deploy('a', { n: 1 })).toEqual({ version: 1, created: false });
      expect(await deploy('a', { n: 2 })).toEqual({ version: 2, created: true });
      // Returning to earlier content makes a new version too: new instances run on the latest version.
      expect(await deploy('a', { n: 1 })).toEqual({ version: 3, created: true });
      expect((await store.versions(id('a'))).map(({ version }) => version)).toEqual([3, 2, 1]);
    });

    it('makes one version of the same content, and counts without gaps, when many deploy at once', async () => {
      const same = await Promise.all(Array.from({ length: 8 }, () => deploy('same', { n: 1 })));
      expect(same.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(same.map(({ version }) => version))).toEqual(new Set([1]));
      const different = await Promise.all(Array.from({ length: 8 }, (_, n) => deploy('different', { n })));
      expect(different.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('keeps a document as it was deployed', async () => {
      const document = JSON.parse('{"z":"a\\u0000","__proto__":{"x":1},"a":[1,2.5]}') as JsonObject;
      await deploy('odd', document);
      const stored = await store.get(id('odd'), 'latest');
      expect(JSON.stringify(stored?.document)).toBe(JSON.stringify(document));
      expect(stored).toMatchObject({ id: 'odd', version: 1, deployedBy: 'ada' });
      expect(Math.abs((stored?.deployedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    it('finds versions by number, and knows what is not there', async () => {
      await deploy('numbers', { n: 1 });
      await deploy('numbers', { n: 2 });
      expect((await store.get(id('numbers'), 1))?.document).toEqual({ n: 1 });
      expect((await store.get(id('numbers'), 'latest'))?.document).toEqual({ n: 2 });
      expect(await store.get(id('numbers'), 3)).toBeNull();
      expect(await store.get(id('nobody'), 'latest')).toBeNull();
      expect(await store.latestVersion(id('numbers'))).toBe(2);
      expect(await store.latestVersion(id('nobody'))).toBeNull();
      expect(await store.versions(id('nobody'))).toEqual([]);
    });

    it('finds the latest versions that name a definition as a child, of others, page by page', async () => {
      const node = (definition: string): JsonObject => ({ type: 'workflow', definition });
      await deploy('called', { nodes: { again: node('called') } });
      for (const name of ['caller.3', 'caller.1', 'caller.2'])
        await deploy(name, { odd: '\u0000', nodes: { each: { body: { nodes: { a: node('x'), b: node('called') } } } } });
      await deploy('caller.not', { nodes: { a: node('called2'), b: { definitions: 'called' }, c: '"definition":"called"' } });
      await deploy('caller.older', { nodes: { a: node('called') } });
      await deploy('caller.older', { nodes: {} });
      const first = await store.callers(id('called'), '', 2);
      expect(first.map((caller) => `${caller.id} ${caller.version}`)).toEqual(['caller.1 1', 'caller.2 1']);
      expect(first[0]?.document).toMatchObject({ odd: '\u0000' });
      expect((await store.callers(id('called'), id('caller.2'), 2)).map((caller) => caller.id)).toEqual(['caller.3']);
      expect(await store.callers(id('nobody'), '', 2)).toEqual([]);
    });

    it('knows which versions may mark something as sensitive, and which may have children', async () => {
      await deploy('marks', { input: { type: 'string', sensitive: false } });
      await deploy('marks', { nodes: { a: { form: { properties: { pin: { type: 'string', sensitive: true } } } } } });
      await deploy('marks', { nodes: { a: { type: 'workflow', definition: 'other' } } });
      expect(await store.hints(id('marks'), 1)).toEqual({ mayHoldMarks: false, mayHaveChildren: false });
      expect(await store.hints(id('marks'), 2)).toEqual({ mayHoldMarks: true, mayHaveChildren: false });
      expect(await store.hints(id('marks'), 3)).toEqual({ mayHoldMarks: false, mayHaveChildren: true });
      expect(await store.hints(id('marks'), 4)).toBeNull();
    });

    it('lists page by page', async () => {
      for (const name of ['page.1', 'page.2', 'page.3']) await deploy(name, {});
      await deploy('page.2', { changed: true });
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<DefinitionStore['list']>> = await store.list(2, cursor);
        expect(page.items.length).toBeLessThanOrEqual(2);
        found.push(...page.items.map(({ id: name, latestVersion, versions }) => `${name} ${latestVersion} ${versions}`));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(found.filter((line) => line.startsWith('page.'))).toEqual(['page.1 1 1', 'page.2 2 2', 'page.3 1 1']);
      expect(new Set(found).size).toBe(found.length);
    });

    it('lists the words for people of the latest version', async () => {
      const words = { title: 'Größe', description: 'Two\nlines', labels: { team: 'billing' } };
      await deploy('words', { title: 'before' });
      await deploy('words', words);
      await deploy('wordless', {});
      const { items } = await store.list(500, null);
      expect(items.find(({ id: name }) => name === 'words')).toMatchObject(words);
      expect(items.find(({ id: name }) => name === 'wordless')).toMatchObject({ title: null, description: null, labels: {} });
    });

    it('refuses a cursor of something else', async () => {
      for (const wrong of ['', 'nonsense', 'bnVsbA', Buffer.from('["instances","x"]').toString('base64url')])
        await expect(store.list(2, wrong)).rejects.toMatchObject({ code: 'MR_CURSOR_INVALID', retryable: false });
    });
  });

  describe('API keys', () => {
    const keyOf = (keyId: string): ApiKey => ({
      keyId,
      subject: 'ada',
      role: 'operator',
      taskRoles: ['manager', 'a"b,c'],
      createdAt: 1_700_000_000_123,
    });

    it('finds a key by its hash until it is revoked, and again when it is reinstated', async () => {
      const hash = randomBytes(32);
      await store.createApiKey(keyOf('one'), hash);
      expect(await store.findApiKey(hash)).toEqual(keyOf('one'));
      expect(await store.findApiKey(randomBytes(32))).toBeNull();
      expect(await store.listApiKeys()).toContainEqual(keyOf('one'));
      expect(await store.revokeApiKey('one')).toBe(true);
      expect(await store.revokeApiKey('one')).toBe(false);
      expect(await store.findApiKey(hash)).toBeNull();
      expect(await store.listApiKeys()).not.toContainEqual(keyOf('one'));
      await store.reinstateApiKey(hash);
      expect(await store.findApiKey(hash)).toEqual(keyOf('one'));
    });

    it('lets several processes bring the same key', async () => {
      const hash = randomBytes(32);
      await Promise.all(['two', 'three', 'four'].map((keyId) => store.createApiKey(keyOf(keyId), hash)));
      const listed = (await store.listApiKeys()).filter(({ keyId }) => ['two', 'three', 'four'].includes(keyId));
      expect(listed).toEqual([await store.findApiKey(hash)]);
    });
  });
}
