/** API keys in memory: only their hashes are stored. */
import type { ApiKey, DefinitionStore } from '../definition-store.ts';

type ApiKeys = Pick<DefinitionStore, 'createApiKey' | 'reinstateApiKey' | 'findApiKey' | 'listApiKeys' | 'revokeApiKey'>;

export function createMemoryApiKeys(): ApiKeys {
  const keys = new Map<string, { readonly key: ApiKey; readonly isRevoked: boolean }>();
  const of = (hash: Buffer): string => hash.toString('hex');
  return {
    async createApiKey(key, hash) {
      const isKnown = keys.has(of(hash)) || [...keys.values()].some((other) => other.key.keyId === key.keyId);
      if (!isKnown) keys.set(of(hash), { key, isRevoked: false });
    },
    async reinstateApiKey(hash) {
      const found = keys.get(of(hash));
      if (found !== undefined) keys.set(of(hash), { ...found, isRevoked: false });
    },
    async findApiKey(hash) {
      const found = keys.get(of(hash));
      return found === undefined || found.isRevoked ? null : found.key;
    },
    async listApiKeys() {
      const valid = [...keys.values()].filter(({ isRevoked }) => !isRevoked).map(({ key }) => key);
      return valid.sort((a, b) => a.createdAt - b.createdAt || (a.keyId < b.keyId ? -1 : 1));
    },
    async revokeApiKey(keyId) {
      for (const [hash, { key, isRevoked }] of keys) {
        if (key.keyId !== keyId || isRevoked) continue;
        keys.set(hash, { key, isRevoked: true });
        return true;
      }
      return false;
    },
  };
}
