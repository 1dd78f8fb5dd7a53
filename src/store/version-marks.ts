/**
 * What views must mask of instances of a version: what it marks as sensitive itself, and what its children do, since what they give becomes
 * its own. Of a child it asks the version that the node names, or the latest. What marks nothing is not loaded for it.
 */
import { LRUCache } from 'lru-cache';
import {
  type ChildDefinition,
  childrenNamedIn,
  type KnownChild,
  type KnownChildren,
  storedDefinitionLimits,
} from '../core/definition/index.ts';
import { ALL_MARKED, type Marks, SENSITIVE } from '../core/definition/typed/marks.ts';
import type { Definition } from '../core/definition/types.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { DefinitionStore } from './definition-store.ts';
import type { LatestVersions } from './latest-versions.ts';
import { parseInTurns } from './parse-in-turns.ts';

/** Of which it is known whether they mark something. */
const FACTS_KEPT = 10_000;
/** Versions that were compiled together with their children. */
const COMPILED_KEPT = 100;
/** Another version of a child may be the latest since: a page of many instances asks once. */
const FAMILY_KEPT_MS = 1_000;
/** Definitions that are looked at for one view, with their children and theirs; what is beyond counts as marked. */
const FAMILY_MAX = 200;

export type MarksOfVersions = {
  /** @returns null: nothing is masked. Of a version that is not there, everything is. */
  marks(id: DefinitionId, version: number): Promise<Marks | null>;
};

export type VersionMarksDependencies = {
  readonly store: Pick<DefinitionStore, 'get' | 'hints'>;
  readonly latest: Pick<LatestVersions, 'get'>;
  /** The version by itself, as a cache has it. */
  readonly load: (id: DefinitionId, version: number) => Promise<Definition | null>;
};

type Version = { readonly id: DefinitionId; readonly version: number };
type Child = Pick<ChildDefinition, 'id' | 'version'>;
/** A version never changes, and so neither does this. */
type Facts = { readonly mayHoldMarks: boolean; readonly children: readonly Child[] };
type Member = Version & {
  /** Which versions its children have, and theirs: what the same version is compiled with. */
  readonly family: ReadonlySet<string>;
  /** Those that may mark something, by id and the version that a node names. */
  readonly children: ReadonlyMap<string, Member | 'anything'>;
};

export function createVersionMarks({ store, latest, load }: VersionMarksDependencies): MarksOfVersions {
  const facts = new LRUCache<string, Facts, Version>({
    max: FACTS_KEPT,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: { id, version } }) => {
      const hints = await store.hints(id, version);
      if (hints === null) return undefined;
      if (!hints.mayHaveChildren) return { mayHoldMarks: hints.mayHoldMarks, children: [] };
      const stored = await store.get(id, version);
      return stored === null ? undefined : { mayHoldMarks: hints.mayHoldMarks, children: childrenNamedIn(stored.document) };
    },
  });
  const compiled = new LRUCache<string, Definition, Member>({
    max: COMPILED_KEPT,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: member }) => (await compileWithChildren(member)) ?? undefined,
  });

  const families = new LRUCache<string, { readonly marks: Marks | null }, Version>({
    max: FACTS_KEPT,
    ttl: FAMILY_KEPT_MS,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: version }) => ({ marks: await marksOfFamily(version) }),
  });

  /** @returns null: neither it nor any child marks anything, or it was never deployed. */
  async function memberOf({ id, version }: Version, family: Map<string, Member | 'open' | null>): Promise<Member | null> {
    const key = keyOf(id, version);
    const found = await facts.fetch(key, { context: { id, version } });
    if (found === undefined) return null;
    family.set(key, 'open');
    const children = new Map<string, Member | 'anything'>();
    for (const child of found.children) {
      const member = await childOf(child, family);
      if (member !== null) children.set(keyOf(child.id, child.version), member);
    }
    const of = new Set<string>();
    for (const [name, child] of children) {
      of.add(`${name}=${child === 'anything' ? child : child.version}`);
      if (child !== 'anything') for (const other of child.family) of.add(other);
    }
    const member = found.mayHoldMarks || children.size > 0 ? { id, version, family: of, children } : null;
    family.set(key, member);
    return member;
  }

  /** anything: it leads back to a version that marks something, or there are too many to look at. */
  async function childOf({ id, version: named }: Child, family: Map<string, Member | 'open' | null>): Promise<Member | 'anything' | null> {
    const version = named ?? (await latest.get(id));
    if (version === null) return null;
    const known = family.get(keyOf(id, version));
    if (known === 'open')
      return (await facts.fetch(keyOf(id, version), { context: { id, version } }))?.mayHoldMarks === true ? 'anything' : null;
    if (known !== undefined) return known;
    return family.size >= FAMILY_MAX ? 'anything' : await memberOf({ id, version }, family);
  }

  async function definitionOf(member: Member): Promise<Definition | null> {
    if (member.children.size === 0) return await load(member.id, member.version);
    const key = [keyOf(member.id, member.version), ...[...member.family].sort()].join(' ');
    return (await compiled.fetch(key, { context: member })) ?? null;
  }

  async function compileWithChildren({ id, version, children }: Member): Promise<Definition | null> {
    const stored = await store.get(id, version);
    if (stored === null) return null;
    const known = new Map<string, KnownChild | null>();
    for (const [key, child] of children) known.set(key, child === 'anything' ? ANYTHING : await knownOf(child));
    const of: KnownChildren = ({ definition, version: named }) => known.get(keyOf(definition, named)) ?? null;
    const parsed = await parseInTurns(stored.document, { version, limits: storedDefinitionLimits, checksTypes: false, children: of });
    // It was read when it was deployed; `load` says what is wrong with it now.
    return parsed.ok ? parsed.value : await load(id, version);
  }

  async function knownOf(child: Member): Promise<KnownChild | null> {
    const definition = await definitionOf(child);
    if (definition === null) return null;
    const { version, input, marks } = definition;
    return marks === null ? null : { version, input, output: marks.output, isMarked: true };
  }

  async function marksOfFamily(version: Version): Promise<Marks | null> {
    const member = await memberOf(version, new Map());
    if (member === null) return null;
    const definition = await definitionOf(member);
    return definition === null ? ALL_MARKED : definition.marks;
  }

  return {
    async marks(id, version) {
      const [key, context] = [keyOf(id, version), { id, version }];
      const found = await facts.fetch(key, { context });
      if (found === undefined) return ALL_MARKED;
      if (found.children.length > 0) return ((await families.fetch(key, { context })) ?? UNKNOWN).marks;
      if (!found.mayHoldMarks) return null;
      const definition = await load(id, version);
      return definition === null ? ALL_MARKED : definition.marks;
    },
  };
}

const UNKNOWN = { marks: ALL_MARKED };
const ANYTHING: KnownChild = { version: null, input: null, output: SENSITIVE, isMarked: true };

function keyOf(id: DefinitionId, version: number | null): string {
  return `${id}@${version ?? 'latest'}`;
}
