-- Up Migration
-- What Debezium turns into records. One row that the router cannot route halts everything behind it, so nothing of it is
-- left to the router: columns are NOT NULL, the size is checked (`migrate.ts` sets the limit), and every writing
-- statement takes the topic from outbox_topic, so that an unknown one is a NULL here.

CREATE TABLE outbox_topic (topic text PRIMARY KEY);

-- No index: nobody looks for a row, and each would be paid for by every step.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  topic text NOT NULL,
  key text NOT NULL,
  message_type text NOT NULL,
  -- integer: a smallint fails the connector. NULL: Kafka's partitioner places the record.
  partition integer,
  payload bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (created_at);
-- Rows in here raise an alarm: maintenance did not make partitions ahead.
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;

-- Partitions that were taken off and wait until the slot has confirmed what they hold.
CREATE TABLE outbox_detached (
  name text PRIMARY KEY,
  detached_at_lsn pg_lsn NOT NULL
);

-- Where the WAL was when the slot was made: a position beyond it says that Debezium has confirmed something.
CREATE TABLE outbox_slot (
  name text PRIMARY KEY,
  made_at_lsn pg_lsn NOT NULL
);

-- A slot was made after rows that it does not know: `millrace republish` writes them again, and removes this row when all
-- are written. Meanwhile nothing of the outbox is dropped.
CREATE TABLE outbox_republish (
  the_only boolean PRIMARY KEY DEFAULT true CHECK (the_only),
  -- Rows up to this id; NULL until republishing begins.
  up_to bigint,
  -- Tables that are done, and the block that comes next in the one after them.
  done text[] NOT NULL DEFAULT '{}',
  next_block bigint NOT NULL DEFAULT 0
);

-- Inserts only: an upsert would be an update, which the publication hides.
CREATE TABLE heartbeat (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now()
);

CREATE PUBLICATION millrace_outbox FOR TABLE outbox, heartbeat
  WITH (publish = 'insert', publish_via_partition_root = true);

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'millrace_outbox') THEN
    CREATE ROLE millrace_outbox NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  RAISE NOTICE 'the role was made meanwhile';
END
$$;
GRANT USAGE ON SCHEMA public TO millrace_outbox;
GRANT SELECT ON outbox TO millrace_outbox;
GRANT SELECT, INSERT ON heartbeat TO millrace_outbox;
