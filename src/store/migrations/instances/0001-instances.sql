-- Up Migration
-- Users' data is json, not jsonb: json keeps \u0000 and the order of keys.
-- No index mentions a column that every step changes (a task's status, attempt and deadline; an instance's version and
-- state), and fillfactor leaves room on each page, so that these updates are HOT.

CREATE TABLE installation (
  -- The table has at most one row.
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- Fixed at installation, since an instance's partition never changes.
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
  -- The history entry that brought the output; the input came with the first one.
  output_seq integer,
  error json,
  -- The state with the instance's own scope, without payloads (what nodes were given, gave and took): it names the history
  -- entries that have them.
  state json NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  ended_at timestamptz
) WITH (fillfactor = 60);
-- The status changes only when an instance ends, pauses, resumes, or an incident is raised or resolved.
-- The partition, which never changes, lets an orchestrator look at those it owns without reading the rows of the others.
CREATE INDEX instance_status_id_idx ON instance (status, id) INCLUDE (partition);
CREATE INDEX instance_definition_id_id_idx ON instance (definition_id, id);
CREATE INDEX instance_business_key_id_idx ON instance (business_key, id) WHERE business_key IS NOT NULL;
CREATE INDEX instance_parent_id_id_idx ON instance (parent_id, id) WHERE parent_id IS NOT NULL;

-- The scopes of items and rounds of loops: the part of the state that is theirs. A step writes those that it changes. A scope
-- that has ended stays, with what its loop still needs of it, until the loop ends.
CREATE TABLE scope (
  instance_id uuid NOT NULL,
  -- Compared by bytes, so that all scopes of a loop are a range.
  path text COLLATE "C" NOT NULL,
  state json NOT NULL,
  PRIMARY KEY (instance_id, path)
) WITH (fillfactor = 70);

-- One row for each applied batch.
CREATE TABLE history (
  instance_id uuid NOT NULL,
  version integer NOT NULL,
  first_seq integer NOT NULL,
  last_seq integer NOT NULL,
  -- [{ seq, cause, event }], without payloads.
  entries json NOT NULL,
  -- { seq: payload } of those entries that brought one. Each payload is stored here and nowhere else; NULL: there are none.
  payloads json,
  written_at timestamptz NOT NULL,
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
  -- History entries that have its last input and its output: a number, or an array of them (and of nulls).
  input_seq integer,
  output_seq json,
  error json,
  -- Of a human task, also after it ended: { title, assignees, dueAt, completedBy }.
  human json,
  timeout_ms bigint,
  opened_at timestamptz NOT NULL,
  dispatched_at timestamptz,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (instance_id, path)
) WITH (fillfactor = 70);

-- The open tasks of people.
CREATE TABLE human_task (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  -- In the order in which tasks were opened. Pages of the inbox are cut by it.
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
CREATE INDEX human_task_id_idx ON human_task (id);
CREATE INDEX human_task_users_idx ON human_task USING gin (users);
CREATE INDEX human_task_roles_idx ON human_task USING gin (roles);
CREATE INDEX human_task_due_at_idx ON human_task (due_at) WHERE due_at IS NOT NULL;

-- Who has claimed an open human task. Only the API writes it.
CREATE TABLE claim (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  attempt integer NOT NULL,
  assignee text NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (instance_id, path)
);
CREATE INDEX claim_assignee_idx ON claim (assignee);

CREATE TABLE timer (
  instance_id uuid NOT NULL,
  timer_id text NOT NULL,
  partition integer NOT NULL,
  kind text NOT NULL,
  path text,
  attempt integer NOT NULL,
  due_at timestamptz NOT NULL,
  PRIMARY KEY (instance_id, timer_id)
  -- The search for due timers reads over deleted rows, so they are removed early.
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX timer_due_at_idx ON timer (due_at);

CREATE TABLE command (
  id uuid PRIMARY KEY,
  instance_id uuid NOT NULL,
  partition integer NOT NULL,
  type text NOT NULL,
  path text,
  -- Attempt of the human task that the command completes or fails.
  attempt integer,
  payload json,
  issued_by text NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'applied', 'refused')),
  code text,
  reason text,
  result_at timestamptz
);
-- A second completion of the same attempt conflicts here, so the API answers 409 at once. Applied commands count too: an
-- insert may not see in its snapshot that the task was just closed, but it meets the applied command in this index.
-- A refused command leaves the task free. A reopened task has another attempt.
CREATE UNIQUE INDEX command_instance_id_path_attempt_key ON command (instance_id, path, attempt)
  WHERE type IN ('completeTask', 'failTask') AND status IN ('pending', 'applied');
CREATE INDEX command_instance_id_idx ON command (instance_id) WHERE status = 'pending';
CREATE INDEX command_result_at_idx ON command (result_at) WHERE result_at IS NOT NULL;

CREATE TABLE idempotency (
  definition_id text NOT NULL,
  key text NOT NULL,
  body_hash text NOT NULL,
  instance_id uuid NOT NULL,
  definition_version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (definition_id, key)
);
CREATE INDEX idempotency_created_at_idx ON idempotency (created_at);

CREATE TABLE dead_letter (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Where the record stands in the topic of dead letters.
  dead_letter_partition integer NOT NULL,
  dead_letter_offset bigint NOT NULL,
  code text NOT NULL,
  reason text NOT NULL,
  -- Where the message stood that could not be processed.
  original_topic text NOT NULL,
  original_partition integer NOT NULL,
  original_offset bigint NOT NULL,
  key bytea,
  value bytea,
  -- [{ key, value }], values in base64.
  headers json NOT NULL,
  -- What is not here of the original because it was too large; null when all is.
  omitted text,
  instance_id text,
  dead_lettered_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'discarded')),
  closed_by text,
  closed_at timestamptz,
  UNIQUE (dead_letter_partition, dead_letter_offset)
);
CREATE INDEX dead_letter_status_id_idx ON dead_letter (status, id);
