/**
 * Starting instances: one statement for all of them. A start whose idempotency key was used writes nothing. Two starts with
 * one key at the same time meet in the key's unique index, where the second waits for the first one's commit. An id that is
 * there already was inserted by this very call before its answer got lost: it counts as started.
 */
import { MillraceError } from '../../../core/error.ts';
import type { InstanceId } from '../../../core/ids.ts';
import { CHILD_AGE_MS_MAX } from '../../../core/instance/children/age.ts';
import { timeOf } from '../../../core/instance/children/child-id.ts';
import { addressOf } from '../../../core/instance/children/messages.ts';
import { type InstanceState, statusOf } from '../../../core/instance/state/state.ts';
import { inTurns } from '../../in-turns.ts';
import type { Start, StartResult } from '../../instance-store.ts';
import { heldTexts } from '../../stored/held-task.ts';
import { payloadsText } from '../../stored/payloads.ts';
import { entriesText } from '../../stored/short-history.ts';
import { boundedStateText } from '../../stored/state.ts';
import { type HistoryImage, TransitionRows } from '../../stored/transition-rows.ts';
import { translating } from '../connection/errors.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { lockKeys } from '../events/key-locks.ts';
import { keysOfOpened, takeBufferedEvents } from '../events/opened-waits.ts';
import { Columns } from '../sql/columns.ts';
import type { ApplyOptions } from './apply.ts';
import { allParts, partsSql, partsValues, plainParts } from './parts/index.ts';

type Row = {
  readonly start: Start;
  readonly state: InstanceState;
  readonly text: string;
  readonly entries: string;
  readonly history: HistoryImage;
};

const columns = new Columns<Row>((of) => [
  of('id', 'uuid', ({ state }) => state.instanceId),
  of('partition', 'int4', ({ start }) => start.transition.partition),
  of('status', 'text', ({ state }) => statusOf(state)),
  of('definition_id', 'text', ({ state }) => state.definitionId),
  of('definition_version', 'int4', ({ state }) => state.definitionVersion),
  of('business_key', 'text', ({ state }) => state.businessKey),
  of('output_seq', 'int4', ({ history }) => history.outputSeq),
  of('error', 'json', ({ state }) => (state.error === null ? null : JSON.stringify(state.error))),
  of('state', 'json', ({ text }) => text),
  of('created_at', 'timestamptz', ({ state }) => state.startedAt),
  of('updated_at', 'timestamptz', ({ state }) => state.updatedAt),
  of('ended_at', 'timestamptz', ({ state }) => state.endedAt),
  of('last_seq', 'int4', ({ state }) => state.seq),
  of('entries', 'json', ({ entries }) => entries),
  of('payloads', 'json', ({ history }) => payloadsText(history.payloads)),
  of('idempotency_key', 'text', ({ start }) => start.idempotency?.key ?? null),
  of('parent_id', 'uuid', ({ state }) => (state.parent === undefined ? null : addressOf(state.parent.parent))),
  of('asked_at', 'timestamptz', ({ state }) => (state.parent === undefined ? null : timeOf(state.instanceId))),
  of('held', 'text', ({ start }) => heldTexts(start.transition.held?.added ?? [])),
  of('body_hash', 'text', ({ start }) => start.idempotency?.bodyHash ?? null),
]);

function startStatement(parts: typeof allParts): string {
  return `WITH s AS MATERIALIZED (SELECT * FROM ${columns.unnest('s', 1)}),
  -- In one order, so that two batches with the same keys do not wait for each other.
  k AS (INSERT INTO idempotency (definition_id, key, body_hash, instance_id, definition_version)
    SELECT definition_id, idempotency_key, body_hash, id, definition_version FROM s
    WHERE idempotency_key IS NOT NULL ORDER BY definition_id, idempotency_key
    ON CONFLICT (definition_id, key) DO NOTHING RETURNING instance_id),
  u AS (INSERT INTO instance (id, partition, version, status, definition_id, definition_version, business_key, parent_id,
      output_seq, error, state, created_at, updated_at, ended_at, held)
    SELECT id, partition, 1, status, definition_id, definition_version, business_key, parent_id,
      output_seq, error, state, created_at, updated_at, ended_at, held FROM s
    WHERE (idempotency_key IS NULL OR id IN (SELECT instance_id FROM k))
      -- Asked here and not before, or a slow process would insert what was told to be gone.
      AND (asked_at IS NULL OR asked_at > now() - ${CHILD_AGE_MS_MAX}::float8 * interval '1 millisecond') ORDER BY ordinal
    ON CONFLICT (id) DO NOTHING RETURNING id),
  h AS (INSERT INTO history (instance_id, version, first_seq, last_seq, entries, payloads, written_at)
    SELECT s.id, 1, 1, s.last_seq, s.entries, s.payloads, s.updated_at FROM s JOIN u ON u.id = s.id)${partsSql(parts, columns.count + 1, 'u')}
  SELECT id FROM u`;
}

const plain = { name: 'start', text: startStatement(plainParts) };
const full = { name: 'start-full', text: startStatement(allParts) };

export async function start(pool: Pool, options: ApplyOptions, starts: readonly Start[]): Promise<readonly StartResult[]> {
  if (starts.length === 0) return [];
  try {
    return await startTogether(pool, options, starts);
  } catch (error) {
    const isOfOneRow = error instanceof MillraceError && !error.retryable;
    if (!isOfOneRow) throw error;
    if (starts.length === 1) return [{ kind: 'failed', error }];
    // One refused row undoes the whole statement, so each start is then written by itself.
    const results: StartResult[] = [];
    for (const one of starts) results.push(...(await start(pool, options, [one])));
    return results;
  }
}

/**
 * The same within a transaction of the caller, which holds the locks of all keys of the waits that the instances open.
 * @param beforeWaits runs with those that were inserted, before their waits look for events.
 * @returns those that were inserted: not those whose key was used.
 */
export async function startWithin(
  on: Queryable,
  options: ApplyOptions,
  starts: readonly Start[],
  beforeWaits: (inserted: ReadonlySet<InstanceId>) => Promise<void>,
): Promise<ReadonlySet<InstanceId>> {
  const { rows, insert } = await prepared(options, starts);
  const inserted = await insert(on);
  await beforeWaits(inserted);
  await takeBufferedEvents(
    on,
    options.matcher,
    rows.openedSubscriptions.filter(({ instanceId }) => inserted.has(instanceId)),
  );
  return inserted;
}

type Prepared = { readonly rows: TransitionRows; readonly insert: (on: Queryable) => Promise<ReadonlySet<InstanceId>> };

async function prepared({ stateBytesMax }: ApplyOptions, starts: readonly Start[]): Promise<Prepared> {
  const rows = new TransitionRows();
  const instances: Row[] = [];
  for (const one of starts) {
    const { after } = one.transition;
    const added = inTurns(rows.addInParts(one.transition));
    const history = added instanceof Promise ? await added : added;
    const text = boundedStateText(after, history.scopes, stateBytesMax);
    const entries = inTurns(entriesText(history.entries));
    instances.push({ start: one, state: after, text, entries: typeof entries === 'string' ? entries : await entries, history });
  }
  const statement = rows.isPlain ? plain : full;
  const encoded = inTurns(partsValues(rows.isPlain ? plainParts : allParts, rows));
  const values = [...columns.encode(instances), ...(encoded instanceof Promise ? await encoded : encoded)];
  return {
    rows,
    async insert(on) {
      const { rows: inserted } = await on.query<{ id: InstanceId }>({ ...statement, values });
      return new Set(inserted.map(({ id }) => id));
    },
  };
}

async function startTogether(pool: Pool, options: ApplyOptions, starts: readonly Start[]): Promise<readonly StartResult[]> {
  const { matcher } = options;
  const { rows, insert } = await prepared(options, starts);
  let inserted: ReadonlySet<InstanceId>;
  if (rows.openedSubscriptions.length === 0) inserted = await translating(() => insert(pool));
  else {
    inserted = await inTransaction(pool, async (client) => {
      await lockKeys(client, keysOfOpened(rows));
      const ids = await insert(client);
      await takeBufferedEvents(
        client,
        matcher,
        rows.openedSubscriptions.filter(({ instanceId }) => ids.has(instanceId)),
      );
      return ids;
    });
  }
  if (inserted.size === starts.length) return starts.map(() => ({ kind: 'started' }));
  return await resultsOf(pool, starts, inserted);
}

/** In a statement of its own, so that its snapshot sees the row for which the insert had to wait. */
async function resultsOf(pool: Pool, starts: readonly Start[], inserted: ReadonlySet<string>): Promise<readonly StartResult[]> {
  const asked = starts.filter(({ idempotency, transition }) => idempotency !== null && !inserted.has(transition.instanceId));
  const { rows } = await translating(() =>
    pool.query<{ definition_id: string; key: string; body_hash: string; instance_id: string; definition_version: number }>({
      name: 'idempotency-keys',
      text: `SELECT i.definition_id, i.key, i.body_hash, i.instance_id, i.definition_version
        FROM unnest($1::text[], $2::text[]) AS a (definition_id, key) JOIN idempotency i USING (definition_id, key)`,
      values: [asked.map(({ transition }) => transition.after.definitionId), asked.map(({ idempotency }) => idempotency?.key ?? null)],
    }),
  );
  const present = await presentAmong(
    pool,
    starts.flatMap(({ transition }) => (transition.after.parent === undefined ? [] : [transition.instanceId])),
  );
  const used = new Map(rows.map((row) => [`${row.definition_id} ${row.key}`, row]));
  return starts.map(({ transition, idempotency }): StartResult => {
    const { instanceId, after } = transition;
    if (after.parent !== undefined && !inserted.has(instanceId)) return { kind: present.has(instanceId) ? 'present' : 'gone' };
    if (inserted.has(instanceId) || idempotency === null) return { kind: 'started' };
    const row = used.get(`${after.definitionId} ${idempotency.key}`);
    if (row === undefined)
      throw new MillraceError('MR_DATABASE_UNAVAILABLE', 'An idempotency key expired while it was used. Try again.', { retryable: true });
    if (row.instance_id === instanceId) return { kind: 'started' };
    if (row.body_hash !== idempotency.bodyHash) return { kind: 'keyReused' };
    return { kind: 'repeated', instanceId: row.instance_id as typeof instanceId, definitionVersion: row.definition_version };
  });
}

async function presentAmong(pool: Pool, children: readonly InstanceId[]): Promise<ReadonlySet<InstanceId>> {
  if (children.length === 0) return new Set();
  const query = { name: 'present-children', text: 'SELECT id FROM instance WHERE id = ANY ($1::uuid[])', values: [children] };
  const { rows } = await translating(() => pool.query<{ id: InstanceId }>(query));
  return new Set(rows.map(({ id }) => id));
}
