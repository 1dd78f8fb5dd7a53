/**
 * Probes are rows of the outbox whose records orchestrators read: neither the state of the connector nor the position of its slot
 * proves that rows of the outbox arrive in Kafka. One row holds the last probe; whichever orchestrator comes first sends the next.
 */
import type { OutboxProbes } from '../../maintenance.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';

const sendStatement = {
  name: 'probe-send',
  text: `WITH next AS (
      INSERT INTO outbox_probe AS last (id, sent_at, waiting_since) VALUES (gen_random_uuid(), now(), now())
      ON CONFLICT (singleton) DO UPDATE SET id = excluded.id, sent_at = now(), waiting_since = coalesce(last.waiting_since, now())
        WHERE last.sent_at < now() - make_interval(secs => CASE WHEN last.waiting_since IS NULL THEN $2::float8 ELSE $3::float8 END)
      RETURNING id)
    INSERT INTO outbox (topic, key, message_type, partition, payload)
    SELECT known.topic, next.id::text, 'Probe', 0, convert_to(next.id::text, 'UTF8')
    FROM next LEFT JOIN outbox_topic known ON known.topic = $1`,
};

const cameBackStatement = {
  name: 'probe-came-back',
  text: `WITH back AS (
      UPDATE outbox_probe SET waiting_since = NULL, round_trip = clock_timestamp() - sent_at WHERE id = $1 AND waiting_since IS NOT NULL)
    SELECT FROM outbox_probe WHERE id = $1`,
};

export function createOutboxProbes(pool: Pool): OutboxProbes {
  return {
    async send(topic, { intervalMs, patienceMs }) {
      await translating(() => pool.query({ ...sendStatement, values: [topic, intervalMs / 1_000, patienceMs / 1_000] }));
    },
    async cameBack(id) {
      const { rows } = await translating(() => pool.query({ ...cameBackStatement, values: [id] }));
      return rows.length > 0;
    },
  };
}
