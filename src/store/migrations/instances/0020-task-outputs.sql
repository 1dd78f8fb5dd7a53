-- Up Migration
-- Outputs that are too large for a record, from the worker's request until the outcome that names one is applied.
CREATE TABLE task_output (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  attempt integer NOT NULL,
  basis text NOT NULL,
  -- Of the output; 64 hexadecimal digits.
  sha256 text NOT NULL,
  -- As the worker gave it: JSON, which is read when it is applied.
  output text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (instance_id, path, attempt, basis, sha256)
);
