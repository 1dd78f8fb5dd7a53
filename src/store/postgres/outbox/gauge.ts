/**
 * How far the outbox is published. Rows are only inserted, so they do not say whether they are published. Positions do: every
 * reading takes a sample (time, WAL position, last row), and the position that the slot has confirmed says which samples are
 * covered. The state of the connector is no help: it is RUNNING while it waits.
 */
import type { EpochMs } from '../../../core/ids.ts';
import type { OutboxGauge, OutboxState, ProbeState } from '../../maintenance.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { epochMs } from '../sql/times.ts';
import { isAnotherSlot } from './slot.ts';

type Sample = {
  readonly at: EpochMs;
  /** Position in the WAL, in bytes from its beginning. */
  readonly position: number;
  /** Number of the last row by then; null: not known. */
  readonly lastRow: string | null;
};

/** Beyond this number every second sample is dropped, and ages become a little coarser. */
const SAMPLES_MAX = 4_096;

type Row = {
  now: EpochMs;
  written: number;
  lastRow: string;
  walStatus: string | null;
  confirmed: number | null;
  isAnother: boolean;
  madeAt: number | null;
  heartbeatAt: EpochMs | null;
  rowsInDefault: boolean;
  republishPending: boolean;
  probeId: string | null;
  waitingSeconds: number | null;
  roundTripSeconds: number | null;
};

const bytes = (lsn: string): string => `pg_wal_lsn_diff(${lsn}, '0/0')::float8`;

const statement = {
  name: 'outbox-gauge',
  text: `SELECT ${epochMs('now()')} AS now, ${bytes('pg_current_wal_lsn()')} AS written,
      coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass), 0)::text AS "lastRow",
      s.wal_status AS "walStatus", ${bytes('s.confirmed_flush_lsn')} AS confirmed,
      ${bytes('known.created_at_lsn')} AS "madeAt", ${isAnotherSlot('s', 'known')} AS "isAnother",
      (SELECT ${epochMs('at')} FROM heartbeat ORDER BY id DESC LIMIT 1) AS "heartbeatAt",
      EXISTS (SELECT FROM outbox_default) AS "rowsInDefault", EXISTS (SELECT FROM outbox_republish) AS "republishPending",
      p.id AS "probeId", extract(epoch FROM now() - p.waiting_since)::float8 AS "waitingSeconds",
      extract(epoch FROM p.round_trip)::float8 AS "roundTripSeconds"
    FROM (SELECT) AS one LEFT JOIN outbox_probe p ON true LEFT JOIN pg_replication_slots s ON s.slot_name = $1 LEFT JOIN outbox_slot known ON known.name = $1`,
};

export function createOutboxGauge(pool: Pool, slot: string): OutboxGauge {
  let samples: Sample[] = [];

  /** Seconds since the first row that the slot may not have confirmed. */
  function ageOf(now: EpochMs, confirmed: number): number {
    const covered = samples.findLastIndex(({ position }) => position <= confirmed);
    if (covered > 0) samples = samples.slice(covered);
    const [first] = samples;
    if (first === undefined) return 0;
    if (covered < 0) return (now - first.at) / 1_000;
    // Without a new row since then there is nothing to publish, however far the WAL has grown.
    const same = samples.findLast(({ lastRow }) => lastRow === first.lastRow) ?? first;
    return (now - same.at) / 1_000;
  }

  return {
    async read(): Promise<OutboxState> {
      const { rows } = await translating(() => pool.query<Row>({ ...statement, values: [slot] }));
      const [row] = rows;
      if (row === undefined) throw new Error('Bug: the statement gives one row');
      const { now, written, lastRow, walStatus, confirmed, isAnother, madeAt, heartbeatAt, rowsInDefault, republishPending } = row;
      // Before the first sample Debezium's last heartbeat counts: nothing after it is known to be published.
      if (samples.length === 0 && heartbeatAt !== null) samples.push({ at: Math.min(heartbeatAt, now), position: written, lastRow: null });
      samples.push({ at: now, position: written, lastRow });
      if (samples.length > SAMPLES_MAX) samples = samples.filter((_, index) => index % 2 === 0);
      const slotLost = walStatus === 'lost';
      const slotExists = confirmed !== null && !slotLost && !isAnother;
      return {
        oldestAgeSeconds: Math.max(0, ageOf(now, confirmed ?? 0)),
        slotLagBytes: confirmed === null ? 0 : Math.max(0, written - confirmed),
        slotExists,
        slotLost,
        confirmed: slotExists && madeAt !== null && confirmed > madeAt,
        rowsInDefault,
        republishPending,
        probe: probeOf(row),
      };
    },
  };
}

function probeOf({ probeId, waitingSeconds, roundTripSeconds }: Row): ProbeState {
  if (probeId === null) return { status: 'unsent' };
  if (waitingSeconds === null) return { status: 'cameBack', roundTripSeconds: roundTripSeconds ?? 0 };
  return { status: 'waiting', waitingSeconds: Math.max(0, waitingSeconds), roundTripSeconds };
}
