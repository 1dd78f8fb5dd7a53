/** Whole states: the state column, with the payloads that it names put back from the history. */
import type { InstanceId } from '../../../core/ids.ts';
import type { StoredInstance } from '../../instance-store.ts';
import { restoreState, type StoredState, seqsOfState } from '../../stored/state.ts';
import { translating } from '../connection/errors.ts';
import type { Pool, Queryable } from '../connection/pools.ts';
import { uuidArray } from '../sql/binary-array.ts';
import { noPayloads, readPayloads } from './payloads.ts';

/** Columns of one instance `i` that `wholeInstances` needs. */
export const stateFields = 'i.id, i.version, i.state, i.output_seq AS "outputSeq"';

export type StateRow = {
  readonly id: InstanceId;
  readonly version: number;
  readonly state: StoredState;
  readonly outputSeq: number | null;
};

/** Payloads never change, so they may be read by a later statement than the states. */
export async function wholeInstances(on: Queryable, rows: readonly StateRow[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
  const wanted = rows.map(({ id, state, outputSeq }) => ({ instanceId: id, seqs: seqsOfState(state, outputSeq) }));
  const payloads = await readPayloads(on, wanted);
  return new Map(
    rows.map(({ id, version, state, outputSeq }) => {
      return [id, { version, state: restoreState(id, state, outputSeq, payloads.get(id) ?? noPayloads) }];
    }),
  );
}

const statement = { name: 'load', text: `SELECT ${stateFields} FROM instance i WHERE i.id = ANY ($1::uuid[])` };

export async function load(pool: Pool, ids: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
  if (ids.length === 0) return new Map();
  const { rows } = await translating(() => pool.query<StateRow>({ ...statement, values: [uuidArray(ids)] }));
  return await wholeInstances(pool, rows);
}
