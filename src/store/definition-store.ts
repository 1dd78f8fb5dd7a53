/** The definition database: immutable versions, and API keys. The port. */
import type { DefinitionId, EpochMs } from '../core/ids.ts';
import type { Json } from '../core/json.ts';

export type StoredDefinition = {
  readonly id: DefinitionId;
  readonly version: number;
  readonly document: Json;
  /** SHA-256 of the canonical document: same content, same version. */
  readonly contentHash: string;
  readonly deployedAt: EpochMs;
  readonly deployedBy: string;
};

export type DefinitionDocument = Pick<StoredDefinition, 'id' | 'version' | 'document'>;

export type DefinitionSummary = {
  readonly id: DefinitionId;
  readonly latestVersion: number;
  readonly versions: number;
  readonly deployedAt: EpochMs;
  /** Of the latest version, for people. */
  readonly title: string | null;
  readonly description: string | null;
  readonly labels: Readonly<Record<string, string>>;
};

export type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };

export type ApiKeyRole = 'admin' | 'operator' | 'user' | 'viewer' | 'worker';
export type ApiKey = {
  readonly keyId: string;
  readonly subject: string;
  readonly role: ApiKeyRole;
  /** Roles of the human inbox that this subject holds (`manager`, …). */
  readonly taskRoles: readonly string[];
  readonly createdAt: EpochMs;
};

/** Found without reading the document; what is not there is certain. */
export type DefinitionHints = {
  /** A schema may mark something as sensitive. */
  readonly mayHoldMarks: boolean;
  readonly mayHaveChildren: boolean;
};

export interface DefinitionStore {
  /** @returns the version, and whether this call made it. */
  deploy(
    id: DefinitionId,
    document: Json,
    contentHash: string,
    by: string,
  ): Promise<{ readonly version: number; readonly created: boolean }>;
  get(id: DefinitionId, version: number | 'latest'): Promise<StoredDefinition | null>;
  /** Reads no document. null: there is no such definition. */
  latestVersion(id: DefinitionId): Promise<number | null>;
  /**
   * The latest versions of other definitions whose documents name this one, as those do that run it as a child: of every version of it. By
   * id, after `after`; '' begins.
   */
  callers(id: DefinitionId, after: DefinitionId | '', limit: number): Promise<readonly DefinitionDocument[]>;
  /** What to look for in the version when its instances are shown; reads no document. null: there is no such version. */
  hints(id: DefinitionId, version: number): Promise<DefinitionHints | null>;
  list(limit: number, cursor: string | null): Promise<Page<DefinitionSummary>>;
  /** The newest `versionsMax`, newest first. */
  versions(id: DefinitionId): Promise<readonly Omit<StoredDefinition, 'document'>[]>;

  /** Keys are kept as SHA-256 of 256 random bits. */
  /** A hash that is there already is left as it is, so that several processes may bring the same key. */
  createApiKey(key: ApiKey, hash: Buffer): Promise<void>;
  /** Makes a revoked key work again, if there is one with this hash. */
  reinstateApiKey(hash: Buffer): Promise<void>;
  findApiKey(hash: Buffer): Promise<ApiKey | null>;
  listApiKeys(): Promise<readonly ApiKey[]>;
  revokeApiKey(keyId: string): Promise<boolean>;
}
