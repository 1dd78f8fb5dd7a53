-- Up Migration
-- The books of parents: each child that a parent asked for and whose end it has not heard. The parent is an instance, whose
-- state says the same (as timers do), or a schedule. The row stands in the database of the parent's partition.
CREATE TABLE child (
  parent_id uuid NOT NULL,
  child_id uuid NOT NULL,
  partition integer NOT NULL,
  parent_kind text NOT NULL CHECK (parent_kind IN ('instance', 'schedule')),
  -- The workflow task that asked for it; NULL for a schedule.
  path text,
  attempt integer,
  -- The run of the schedule; NULL for an instance.
  run bigint,
  definition_id text NOT NULL,
  -- NULL: the latest.
  definition_version integer,
  depth integer NOT NULL,
  -- Only its start is awaited.
  detached boolean NOT NULL,
  wish text NOT NULL CHECK (wish IN ('run', 'pause', 'cancel')),
  number integer NOT NULL,
  -- { input, businessKey } of the start of a schedule's run. An instance has them in its history.
  start json,
  -- The wish is sent again at this time, and how often it was: each time after twice as long.
  ask_at timestamptz NOT NULL,
  asked integer NOT NULL DEFAULT 0,
  PRIMARY KEY (parent_id, child_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX child_ask_at_idx ON child (ask_at);
