/**
 * What a deploy knows of other definitions: of the children that a definition runs, and of the definitions that run it as a child (its
 * callers). Types are checked of so many of each; what is beyond is checked while it runs.
 */
import {
  type BreakingChange,
  childrenNamedIn,
  type KnownChild,
  type KnownChildren,
  storedDefinitionLimits,
} from '../core/definition/index.ts';
import type { DefinitionError } from '../core/definition/types.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import type { DefinitionDocument, DefinitionStore } from '../store/definition-store.ts';
import { parseTypedInTurns } from '../store/parse-in-turns.ts';

export const childrenMax = 100;
export const callersMax = 500;
/** Documents that are held at once. */
const CALLERS_READ = 10;

const NOTHING_KNOWN: KnownChildren = () => null;

export async function knownChildren(document: Json, definitions: Pick<DefinitionStore, 'get'>): Promise<KnownChildren> {
  const known = new Map<string, KnownChild | null>();
  for (const { id, version } of childrenNamedIn(document).slice(0, childrenMax)) {
    const stored = isVersion(version) ? await definitions.get(id, version ?? 'latest') : null;
    known.set(keyOf(id, version), stored === null ? null : await readKnown(stored));
  }
  return ({ definition, version }) => known.get(keyOf(definition, version)) ?? null;
}

/**
 * What breaks in callers that run the latest version of a definition, if another becomes the latest. What was broken before is not told.
 * @returns pointers into the new document.
 */
export async function breaksOfCallers(
  latest: DefinitionDocument,
  document: Json,
  definitions: Pick<DefinitionStore, 'callers'>,
): Promise<readonly BreakingChange[]> {
  const breaks: BreakingChange[] = [];
  let versions: { readonly old: KnownChild; readonly next: KnownChild } | null = null;
  let after: DefinitionId | '' = '';
  for (let read = 0; read < callersMax; read += CALLERS_READ) {
    const callers = await definitions.callers(latest.id, after, CALLERS_READ);
    for (const caller of callers) {
      if (!childrenNamedIn(caller.document).some(({ id, version }) => id === latest.id && version === null)) continue;
      versions ??= await readBoth(latest, document);
      if (versions === null) return [];
      breaks.push(...(await breaksOf(caller, latest.id, versions)));
    }
    const last = callers.at(-1);
    if (last === undefined || callers.length < CALLERS_READ) break;
    after = last.id;
  }
  return breaks;
}

async function readBoth(
  latest: DefinitionDocument,
  document: Json,
): Promise<{ readonly old: KnownChild; readonly next: KnownChild } | null> {
  const old = await readKnown(latest);
  const next = await readKnown({ id: latest.id, version: latest.version + 1, document });
  return old === null || next === null ? null : { old, next };
}

async function breaksOf(
  caller: DefinitionDocument,
  child: DefinitionId,
  { old, next }: { readonly old: KnownChild; readonly next: KnownChild },
): Promise<readonly BreakingChange[]> {
  const errorsWith = async (known: KnownChild): Promise<readonly DefinitionError[]> => {
    const children: KnownChildren = ({ definition, version }) => (definition === child && version === null ? known : null);
    const parsed = await parseTypedInTurns(caller.document, { version: caller.version, limits: storedDefinitionLimits, children });
    return parsed.ok ? [] : parsed.error;
  };
  if ((await errorsWith(next)).length === 0) return [];
  const before = new Set((await errorsWith(old)).map(placeOf));
  const told = (part: string, errors: readonly DefinitionError[]): readonly BreakingChange[] =>
    errors
      .filter((error) => !before.has(placeOf(error)))
      .map(({ pointer, message }) => ({
        pointer: part,
        message: `The definition ${caller.id} (version ${caller.version}) would break at ${pointer}: ${message}`,
      }));
  return [
    ...told('/input', await errorsWith({ ...old, version: next.version, input: next.input })),
    ...told('/output', await errorsWith({ ...old, output: next.output })),
  ];
}

function placeOf({ pointer, code }: DefinitionError): string {
  return `${code} ${pointer}`;
}

/** null when this engine cannot read it: then nothing is known of it. */
async function readKnown({ version, document }: DefinitionDocument): Promise<KnownChild | null> {
  const options = { version, limits: storedDefinitionLimits, checksTypes: false, children: NOTHING_KNOWN };
  const parsed = await parseTypedInTurns(document, options);
  if (!parsed.ok) return null;
  const { definition, output } = parsed.value;
  return { version, input: definition.input, output, isMarked: definition.marks !== null };
}

function isVersion(version: number | null): boolean {
  return version === null || (Number.isSafeInteger(version) && version >= 1 && version <= 2_147_483_647);
}

function keyOf(id: DefinitionId, version: number | null): string {
  return `${id}@${version ?? 'latest'}`;
}
