/**
 * Applying transitions. A transition whose instance still has the version that the decision was made from is written whole;
 * any other is not written at all. One statement for the whole batch. Only a batch that opens waits or gives events back is a
 * transaction of several statements, since the locks of event keys must be taken in a statement before the one that reads.
 */
import { invariant } from '../../../core/assert.ts';
import type { EpochMs, InstanceId } from '../../../core/ids.ts';
import { recordsOnly } from '../../../core/instance/index.ts';
import { statusOf } from '../../../core/instance/state/state.ts';
import { inTurns } from '../../in-turns.ts';
import type { EventMatcher, Transition } from '../../instance-store.ts';
import { heldTexts } from '../../stored/held-task.ts';
import { payloadsText } from '../../stored/payloads.ts';
import { entriesText } from '../../stored/short-history.ts';
import { boundedStateText } from '../../stored/state.ts';
import { type HistoryImage, TransitionRows } from '../../stored/transition-rows.ts';
import { translating } from '../connection/errors.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { lockKeys } from '../events/key-locks.ts';
import { finishOffers, type OfferLimits } from '../events/offers.ts';
import { keysOfOpened, takeBufferedEvents } from '../events/opened-waits.ts';
import { keysOfReturned, returnEvents } from '../events/refused-events.ts';
import { Columns } from '../sql/columns.ts';
import { allParts, partsSql, partsValues, plainParts } from './parts/index.ts';

type Row = { readonly transition: Transition; readonly history: HistoryImage; readonly state: string; readonly entries: string };
/** Options of `start` and `apply`. */
export type ApplyOptions = { readonly matcher: EventMatcher; readonly stateBytesMax: number; readonly offerLimits: OfferLimits };
export type Applied = { readonly applied: ReadonlySet<InstanceId>; readonly now: EpochMs };

const columns = new Columns<Row>((of) => [
  of('id', 'uuid', ({ transition }) => transition.instanceId),
  of('version', 'int4', ({ transition }) => transition.expectedVersion),
  of('definition_version', 'int4', ({ transition }) => transition.after.definitionVersion),
  of('status', 'text', ({ transition }) => statusOf(transition.after)),
  of('output_seq', 'int4', ({ history }) => history.outputSeq),
  of('error', 'json', ({ transition: { after } }) => (after.error === null ? null : JSON.stringify(after.error))),
  of('state', 'json', ({ state }) => state),
  of('updated_at', 'timestamptz', ({ transition }) => transition.after.updatedAt),
  of('ended_at', 'timestamptz', ({ transition }) => transition.after.endedAt),
  of('first_seq', 'int4', ({ transition }) => transition.history[0]?.seq ?? 0),
  of('last_seq', 'int4', ({ transition }) => transition.after.seq),
  of('entries', 'json', ({ entries }) => entries),
  of('payloads', 'json', ({ history }) => payloadsText(history.payloads)),
  of('sets_held', 'bool', ({ transition }) => transition.held !== undefined),
  of('kept', 'text', ({ transition: { held } }) => heldTexts(held?.kept ?? [])),
  of('held', 'text', ({ transition: { held } }) => heldTexts(held?.added ?? [])),
]);

/** Transitions that only answer commands: their instances are locked and stay as they are. */
const answerColumns = new Columns<Transition>((of) => [
  of('id', 'uuid', ({ instanceId }) => instanceId),
  of('version', 'int4', ({ expectedVersion }) => expectedVersion),
]);

/** As `heldAfter`. A task that is kept and was released meanwhile is in no line of the row. */
const heldSql = `CASE WHEN NOT v.sets_held THEN i.held WHEN v.kept IS NULL THEN v.held
        ELSE NULLIF(concat_ws(E'\\n', (SELECT string_agg(line, E'\\n' ORDER BY n) FROM unnest(string_to_array(v.kept, E'\\n')) WITH ORDINALITY AS k (line, n)
          WHERE line = ANY (string_to_array(i.held, E'\\n'))), v.held), '') END`;

const update = `v AS MATERIALIZED (SELECT * FROM ${columns.unnest('v', 1)}),
  u AS (UPDATE instance i SET version = v.version + 1, definition_version = v.definition_version, status = v.status, output_seq = COALESCE(v.output_seq, i.output_seq), error = v.error, state = v.state,
      updated_at = v.updated_at, ended_at = v.ended_at, held = ${heldSql}
    FROM v WHERE i.id = v.id AND i.version = v.version RETURNING i.id),
  h AS (INSERT INTO history (instance_id, version, first_seq, last_seq, entries, payloads, written_at)
    SELECT v.id, v.version + 1, v.first_seq, v.last_seq, v.entries, v.payloads, v.updated_at FROM v JOIN u ON u.id = v.id)`;

const answer = `a AS (SELECT i.id FROM ${answerColumns.unnest('e', columns.count + 1)} JOIN instance i ON i.id = e.id AND i.version = e.version
    FOR NO KEY UPDATE OF i),
  w AS (SELECT id FROM u UNION ALL SELECT id FROM a)`;

const select = (winners: string): string =>
  `SELECT ARRAY(SELECT id::text FROM ${winners}) AS ids, floor(extract(epoch FROM now()) * 1000)::float8 AS now`;

const plain = { name: 'apply', text: `WITH ${update}${partsSql(plainParts, columns.count + 1, 'u')}\n  ${select('u')}` };
const full = {
  name: 'apply-full',
  text: `WITH ${update},\n  ${answer}${partsSql(allParts, columns.count + answerColumns.count + 1, 'w')}\n  ${select('w')}`,
};

/** Whether a transition can be with those of other partitions: one that takes locks of event keys may wait for others. */
export function locksNoEventKeys({ effects }: Transition): boolean {
  return effects.every(({ type }) => type !== 'openSubscription' && type !== 'returnEvent');
}

export async function apply(
  pool: Pool,
  { matcher, stateBytesMax, offerLimits }: ApplyOptions,
  given: readonly Transition[],
): Promise<Applied> {
  // In one order, so that two processes that have the same instances for a moment do not deadlock.
  const transitions = given.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : a.instanceId > b.instanceId ? 1 : 0));
  const rows = new TransitionRows();
  const changes: Row[] = [];
  const answers: Transition[] = [];
  for (const [index, transition] of transitions.entries()) {
    invariant(transition.instanceId !== transitions[index - 1]?.instanceId, 'a batch holds one transition of an instance');
    const added = inTurns(rows.addInParts(transition));
    const history = added instanceof Promise ? await added : added;
    if (transition.history.length === 0) answers.push(transition);
    else {
      // The record that something was refused for its size must itself be storable.
      const bytesMax = recordsOnly(transition.history) ? Number.POSITIVE_INFINITY : stateBytesMax;
      const state = boundedStateText(transition.after, history.scopes, bytesMax);
      const entries = inTurns(entriesText(history.entries));
      changes.push({ transition, history, state, entries: typeof entries === 'string' ? entries : await entries });
    }
  }
  const isPlain = rows.isPlain && answers.length === 0;
  const encoded = inTurns(partsValues(isPlain ? plainParts : allParts, rows));
  const values = encoded instanceof Promise ? await encoded : encoded;
  const query = isPlain
    ? { ...plain, values: [...columns.encode(changes), ...values] }
    : { ...full, values: [...columns.encode(changes), ...answerColumns.encode(answers), ...values] };
  const write = async (on: Queryable): Promise<Applied> => {
    const { rows: answered } = await on.query<{ ids: InstanceId[]; now: number }>(query);
    const [row] = answered;
    invariant(row !== undefined, 'the statement gives one row');
    return { applied: new Set(row.ids), now: row.now };
  };
  if (rows.openedSubscriptions.length === 0 && rows.returned.length === 0) return await translating(() => write(pool));

  const result = await inTransaction(pool, async (client) => {
    const returnedKeys = await keysOfReturned(client, rows.returned);
    await lockKeys(client, [...keysOfOpened(rows), ...returnedKeys]);
    const written = await write(client);
    const isApplied = ({ instanceId }: { readonly instanceId: InstanceId }): boolean => written.applied.has(instanceId);
    await takeBufferedEvents(client, matcher, rows.openedSubscriptions.filter(isApplied));
    await returnEvents(client, matcher, offerLimits, rows.returned.filter(isApplied));
    return written;
  });
  await finishOffers(
    pool,
    matcher,
    offerLimits,
    rows.returned.map(({ eventRowId }) => eventRowId),
  );
  return result;
}
