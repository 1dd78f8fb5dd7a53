-- Up Migration
-- Data of users is json, not jsonb: it keeps \u0000 and the order of keys, and is not parsed into another form.
-- No index mentions what a step changes (status, attempt, deadline of a task; version, state of an instance), and pages
-- keep room, so that updates stay HOT.

CREATE TABLE installation (
  the_only boolean PRIMARY KEY DEFAULT true CHECK (the_only),
  -- Frozen: an instance's partition never changes.
  partitions integer NOT NULL CHECK (partitions > 0),
  installed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE instance (
  id uuid PRIMARY KEY,
  partition integer NOT NULL,
  version integer NOT NULL,
  status text NOT NULL,
  definition_id text NOT NULL,
  definition_version integer NOT NULL,
  business_key text,
  parent_id uuid,
  input json,
  output json,
  error json,
  -- Everything else of the state; inputs and outputs of tasks are in their rows.
  state json NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  ended_at timestamptz
) WITH (fillfactor = 60);
-- Changes only when an instance ends, pauses or meets an incident.
CREATE INDEX instance_by_status ON instance (status, id);
CREATE INDEX instance_by_definition ON instance (definition_id, id);
CREATE INDEX instance_by_business_key ON instance (business_key, id) WHERE business_key IS NOT NULL;
CREATE INDEX instance_by_parent ON instance (parent_id, id) WHERE parent_id IS NOT NULL;

-- One row for each applied batch.
CREATE TABLE history (
  instance_id uuid NOT NULL,
  version integer NOT NULL,
  first_seq integer NOT NULL,
  last_seq integer NOT NULL,
  -- [{ seq, cause, event }]: without the inputs and outputs that stand in the rows of the instance and its tasks.
  entries json NOT NULL,
  -- Some entry holds data that it displaced from a row: what reads an earlier part of the history needs it too.
  displaces boolean NOT NULL,
  at timestamptz NOT NULL,
  -- Read by number of entry, from any one on.
  PRIMARY KEY (instance_id, last_seq)
);

CREATE TABLE task (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  node_id text NOT NULL,
  type text NOT NULL,
  queue text,
  status text NOT NULL,
  attempt integer NOT NULL,
  input json,
  output json,
  error json,
  timeout_ms bigint,
  opened_at timestamptz NOT NULL,
  dispatched_at timestamptz,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (instance_id, path)
) WITH (fillfactor = 70);

-- Open ones only.
CREATE TABLE human_task (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  -- Order of opening, for paging.
  id bigint GENERATED ALWAYS AS IDENTITY,
  partition integer NOT NULL,
  node_id text NOT NULL,
  attempt integer NOT NULL,
  definition_id text NOT NULL,
  definition_version integer NOT NULL,
  business_key text,
  title text NOT NULL,
  users text[] NOT NULL,
  roles text[] NOT NULL,
  due_at timestamptz,
  opened_at timestamptz NOT NULL,
  PRIMARY KEY (instance_id, path)
);
CREATE INDEX human_task_in_order ON human_task (id);
CREATE INDEX human_task_by_user ON human_task USING gin (users);
CREATE INDEX human_task_by_role ON human_task USING gin (roles);
CREATE INDEX human_task_by_due ON human_task (due_at) WHERE due_at IS NOT NULL;

-- The API's own.
CREATE TABLE claim (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  attempt integer NOT NULL,
  assignee text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (instance_id, path)
);
CREATE INDEX claim_by_assignee ON claim (assignee);

CREATE TABLE timer (
  instance_id uuid NOT NULL,
  timer_id text NOT NULL,
  partition integer NOT NULL,
  kind text NOT NULL,
  path text,
  attempt integer NOT NULL,
  due_at timestamptz NOT NULL,
  PRIMARY KEY (instance_id, timer_id)
  -- Whoever looks for due timers steps over those that were deleted.
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX timer_by_due ON timer (due_at);

CREATE TABLE command (
  id uuid PRIMARY KEY,
  instance_id uuid NOT NULL,
  partition integer NOT NULL,
  type text NOT NULL,
  path text,
  -- Attempt of the human task that it completes or fails.
  attempt integer,
  payload json,
  by text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'applied', 'refused')),
  code text,
  reason text,
  result_at timestamptz
);
-- The 409 at once. Applied ones count too: the task's closing and this status are one commit, which an insert may miss
-- in its snapshot but not in this index. A refused one frees the task; a reopened task has another attempt.
CREATE UNIQUE INDEX command_once_per_task ON command (instance_id, path, attempt)
  WHERE type IN ('completeTask', 'failTask') AND status IN ('pending', 'applied');
CREATE INDEX command_pending ON command (instance_id) WHERE status = 'pending';
CREATE INDEX command_ended ON command (result_at) WHERE result_at IS NOT NULL;

CREATE TABLE idempotency (
  definition_id text NOT NULL,
  key text NOT NULL,
  body_hash text NOT NULL,
  instance_id uuid NOT NULL,
  definition_version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (definition_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE dead_letter (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Where it stands in the topic of dead letters.
  letter_partition integer NOT NULL,
  letter_offset bigint NOT NULL,
  code text NOT NULL,
  reason text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  key bytea,
  value bytea,
  -- [{ key, value }], values in base64.
  headers json NOT NULL,
  instance_id text,
  at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'discarded')),
  closed_by text,
  closed_at timestamptz,
  UNIQUE (letter_partition, letter_offset)
);
CREATE INDEX dead_letter_by_status ON dead_letter (status, id);
