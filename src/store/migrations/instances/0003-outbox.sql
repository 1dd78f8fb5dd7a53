-- Up Migration
-- Rows that Debezium turns into Kafka records. A row that the router cannot route stops all rows behind it, so the
-- database refuses such a row: columns are NOT NULL, the size is checked (`migrate.ts` sets the limit), and every
-- statement takes the topic from outbox_topic, so that an unknown topic is NULL.

CREATE TABLE outbox_topic (topic text PRIMARY KEY);

-- No index: nothing searches for single rows, and every step would pay for it.
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
-- Rows in the default partition raise an alarm: maintenance did not make partitions ahead.
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;

-- Detached partitions. They are dropped once the slot has confirmed what they hold.
CREATE TABLE outbox_detached_partition (
  name text PRIMARY KEY,
  detached_at_lsn pg_lsn NOT NULL
);

-- The WAL position at which the slot was created. A later confirmed position says that Debezium is at work.
CREATE TABLE outbox_slot (
  name text PRIMARY KEY,
  created_at_lsn pg_lsn NOT NULL,
  -- Our slots have failover on (Postgres 17 and later); one that Debezium creates by itself has not, so this column tells
  -- that the slot was replaced. NULL: unknown, or a server without failover slots.
  failover boolean
);

-- Present while rows from before the current slot are not published: `millrace republish` inserts them again and then
-- deletes this row. Meanwhile no partition of the outbox is dropped.
CREATE TABLE outbox_republish (
  -- The table has at most one row.
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- Rows up to this id are published again; NULL until republishing begins.
  last_row_id bigint,
  -- Tables that are finished, and the next block of the table after them.
  finished_tables text[] NOT NULL DEFAULT '{}',
  next_block bigint NOT NULL DEFAULT 0
);

-- The connector inserts a row every few seconds, so that the slot advances while nothing else happens. Inserts only: the
-- publication hides updates.
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
  RAISE NOTICE 'another process has created the role';
END
$$;
GRANT USAGE ON SCHEMA public TO millrace_outbox;
GRANT SELECT ON outbox TO millrace_outbox;
GRANT SELECT, INSERT ON heartbeat TO millrace_outbox;
