-- Up Migration
-- Schedules: one row each. Every change is made under the lock of the row.
CREATE TABLE schedule (
  definition_id text NOT NULL,
  name text NOT NULL,
  -- By which its runs are started.
  version integer NOT NULL,
  cron text NOT NULL,
  time_zone text NOT NULL,
  overlap text NOT NULL CHECK (overlap IN ('skip', 'queue', 'allow')),
  catch_up text NOT NULL CHECK (catch_up IN ('last', 'none')),
  paused boolean NOT NULL,
  -- The first time that nothing has become of yet; NULL: none will come.
  next_at timestamptz,
  -- The last one of which something became.
  last_at timestamptz,
  -- The run that goes on, and its time; NULL where runs may overlap.
  running_id uuid,
  running_at timestamptz,
  -- Times whose runs wait for it.
  queued timestamptz[] NOT NULL DEFAULT '{}',
  -- What became of the latest times, the newest last.
  recent json NOT NULL DEFAULT '[]',
  PRIMARY KEY (definition_id, name)
);
CREATE INDEX schedule_next_at_idx ON schedule (next_at) WHERE NOT paused;
CREATE INDEX schedule_running_id_idx ON schedule (running_id) WHERE running_id IS NOT NULL;
