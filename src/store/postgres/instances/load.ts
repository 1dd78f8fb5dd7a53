/**
 * States: the state column with the instance's own scope, the wanted scopes of items and rounds, and the payloads that these
 * name. A state and its scopes are read in one statement, so that they are of one version; payloads never change.
 */
import type { InstanceId } from '../../../core/ids.ts';
import type { PartialScopes, StatePart } from '../../../core/instance/state/state.ts';
import type { Json } from '../../../core/json.ts';
import type { StoredInstance, WantedInstance } from '../../instance-store.ts';
import { heldTasksOf } from '../../stored/held-task.ts';
import { chainsOf, type NeededScopes } from '../../stored/partial-state.ts';
import { readPayloadsInto, type StoredPayloads } from '../../stored/payloads.ts';
import { readScope, readState, type WrittenScopeRow, type WrittenState } from '../../stored/short-form.ts';
import { restoreScope, restoreState, seqsOfScope, seqsOfState } from '../../stored/state.ts';
import { translating } from '../connection/errors.ts';
import type { Pool, Queryable } from '../connection/pools.ts';
import { Columns } from '../sql/columns.ts';
import { noPayloads, readPayloads } from './payloads.ts';

/** Columns of one instance `i` with all of its scopes. */
export const stateFields = `i.id, i.version, i.state, i.output_seq AS "outputSeq", i.held, ${scopesOf('FROM scope c WHERE c.instance_id = i.id')} AS scopes`;

export type StateRow = {
  readonly id: InstanceId;
  readonly version: number;
  readonly state: WrittenState;
  readonly outputSeq: number | null;
  /** `heldTexts` */
  readonly held: string | null;
  readonly scopes: readonly WrittenScopeRow[] | null;
  /** The first row of its history. Absent: it was not read. */
  readonly firstSeq?: number | null;
  readonly firstPayloads?: StoredPayloads | null;
};
type PartialRow = StateRow & { readonly hasScopes: boolean };

function scopesOf(from: string): string {
  return `(SELECT json_agg(json_build_object('path', c.path, 'scope', c.state) ORDER BY c.path) ${from})`;
}

/** @param partialOf undefined for what was loaded whole. */
export async function restoreInstances<Row extends StateRow>(
  on: Queryable,
  rows: readonly Row[],
  partialOf: (row: Row) => PartialScopes | undefined = () => undefined,
): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
  const payloads = new Map<InstanceId, Map<number, Json>>();
  const read = rows.map((row) => ({ row, state: readState(row.state), scopes: (row.scopes ?? []).map(readScope) }));
  const wanted = read.map(({ row: { id, outputSeq, firstSeq = null, firstPayloads = null }, state, scopes }) => {
    const seqs = [...seqsOfState(state, outputSeq), ...scopes.flatMap(({ scope }) => seqsOfScope(scope))];
    if (firstSeq === null) return { instanceId: id, seqs };
    const first = new Map<number, Json>();
    readPayloadsInto(first, firstPayloads);
    payloads.set(id, first);
    return { instanceId: id, seqs: seqs.filter((seq) => seq > firstSeq) };
  });
  await readPayloads(on, wanted, payloads);
  return new Map(
    read.map(({ row, state, scopes }) => {
      const { id, version, outputSeq, held } = row;
      const restored = restoreState(id, state, outputSeq, payloads.get(id) ?? noPayloads, scopes, partialOf(row));
      return [id, { version, state: restored, ...(held === null ? {} : { held: heldTasksOf(held) }) }];
    }),
  );
}

const columns = new Columns<WantedInstance>((of) => [
  of('id', 'uuid', ({ instanceId }) => instanceId),
  of('is_whole', 'bool', ({ scopes }) => scopes === 'all'),
  of('paths', 'json', ({ scopes }) => JSON.stringify(scopes === 'all' ? [] : chainsOf(scopes))),
]);

const statement = {
  name: 'load',
  text: `SELECT i.id, i.version, i.state, i.output_seq AS "outputSeq", i.held,
      first.last_seq AS "firstSeq", first.payloads AS "firstPayloads",
      NOT w.is_whole AND EXISTS (SELECT FROM scope s WHERE s.instance_id = i.id) AS "hasScopes",
      ${scopesOf(`FROM (
        SELECT s.path, s.state FROM json_array_elements_text(w.paths) AS p (path) JOIN scope s ON s.instance_id = i.id AND s.path = p.path
        UNION ALL SELECT s.path, s.state FROM scope s WHERE w.is_whole AND s.instance_id = i.id) AS c`)} AS scopes
    FROM ${columns.unnest('w', 1)} JOIN instance i ON i.id = w.id
    -- It has the input, and all there is of an instance that was just started.
    LEFT JOIN LATERAL (SELECT h.last_seq, h.payloads FROM history h WHERE h.instance_id = i.id ORDER BY h.last_seq LIMIT 1) AS first ON true`,
};

export async function load(pool: Pool, wanted: readonly WantedInstance[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await translating(() => pool.query<PartialRow>({ ...statement, values: columns.encode(wanted) }));
  const asked = new Map(wanted.map(({ instanceId, scopes }) => [instanceId, scopes]));
  return await restoreInstances(pool, rows, ({ id, scopes, hasScopes }) => {
    const paths = asked.get(id);
    if (!hasScopes || paths === undefined || paths === 'all') return undefined;
    const found = new Set(scopes?.map(({ path }) => path));
    return { absent: chainsOf(paths).filter((path) => !found.has(path)), whole: [] };
  });
}

const moreScopes = {
  name: 'load-scopes',
  // A loop's scopes begin with its path and a dot; the next character after the dot ends the range.
  text: `SELECT ${scopesOf(`FROM (
      SELECT s.path, s.state FROM unnest($3::text[]) AS p (path) JOIN scope s ON s.instance_id = i.id AND s.path = p.path
      UNION ALL SELECT s.path, s.state FROM scope s
        WHERE s.instance_id = i.id AND s.path >= $4::text || '.' AND s.path < $4::text || '/'
      UNION ALL SELECT s.path, s.state FROM scope s WHERE $4::text = '' AND s.instance_id = i.id) AS c`)} AS scopes
    FROM instance i WHERE i.id = $1 AND i.version = $2`,
};

export async function loadScopes(
  pool: Pool,
  instanceId: InstanceId,
  version: number,
  { paths, below }: NeededScopes,
): Promise<readonly StatePart[] | null> {
  const { rows } = await translating(() =>
    pool.query<{ scopes: readonly WrittenScopeRow[] | null }>({ ...moreScopes, values: [instanceId, version, chainsOf(paths), below] }),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const found = new Map((row.scopes ?? []).map((each) => [each.path, readScope(each)]));
  const seqs = [...found.values()].flatMap(({ scope }) => seqsOfScope(scope));
  const payloads = (await readPayloads(pool, [{ instanceId, seqs }])).get(instanceId) ?? noPayloads;
  return [...found.values()].map((each) => restoreScope(each, payloads));
}
