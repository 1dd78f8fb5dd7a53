-- Up Migration
-- Bulk jobs: one command for each instance of a selection. Every change is made under the lock of the row.
CREATE TABLE job (
  id uuid PRIMARY KEY,
  operation text NOT NULL,
  -- What the query asks for, as lists of instances do.
  filter json NOT NULL,
  reason text,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Commands a second.
  rate integer NOT NULL CHECK (rate > 0),
  canary integer,
  max_failures integer,
  -- How many instances fitted at the beginning, or that many and more.
  selected integer NOT NULL,
  selected_more boolean NOT NULL,
  status text NOT NULL CHECK (status IN ('running', 'paused', 'done', 'cancelled')),
  -- { why, by, at } while it is paused.
  pause json,
  -- The last instance whose turn has come, and the last one that was there at the beginning.
  cursor uuid,
  highest_id uuid,
  sent integer NOT NULL DEFAULT 0,
  all_sent boolean NOT NULL,
  paced_from timestamptz NOT NULL,
  failure_limit integer,
  -- NULL: nothing happens before somebody acts.
  next_at timestamptz,
  finished_at timestamptz,
  -- Results of its commands once each has one. Until then they are counted.
  applied integer,
  refused integer,
  idempotency_key text UNIQUE,
  body_hash text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX job_next_at_idx ON job (next_at) WHERE next_at IS NOT NULL;

-- The job that gives the command; NULL: a person or a parent does. Its result is kept for as long as the job.
ALTER TABLE command ADD COLUMN job_id uuid;
CREATE INDEX command_job_id_status_instance_id_idx ON command (job_id, status, instance_id) WHERE job_id IS NOT NULL;
-- The search for old results passes over those of jobs.
DROP INDEX command_result_at_idx;
CREATE INDEX command_result_at_idx ON command (result_at) WHERE result_at IS NOT NULL AND job_id IS NULL;
