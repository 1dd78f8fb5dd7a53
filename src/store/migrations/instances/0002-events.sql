-- Up Migration
-- External events and who waits for them. Whoever touches subscriptions or events of a (type, key) first takes its
-- advisory lock, in a statement of its own before the one that reads (protocol, Events 1).

-- What deployed versions name; the correlator keeps nothing else.
CREATE TABLE event_type (type text PRIMARY KEY);

CREATE TABLE subscription (
  -- Order of opening: of two equal waits of an instance the older one gets the event.
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance_id uuid NOT NULL,
  path text NOT NULL,
  attempt integer NOT NULL,
  wait integer NOT NULL,
  partition integer NOT NULL,
  type text NOT NULL,
  key text NOT NULL,
  condition json
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX subscription_by_key ON subscription (type, key);
CREATE INDEX subscription_by_task ON subscription (instance_id, path);

CREATE TABLE event_buffer (
  row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL,
  type text NOT NULL,
  source text NOT NULL,
  key text NOT NULL,
  time timestamptz,
  data json,
  -- Nobody has it: any wait that fits gets it.
  open_to_all boolean NOT NULL,
  -- Open to all, or given back by some instance.
  waiting boolean NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX event_buffer_waiting ON event_buffer (type, key, row_id) WHERE waiting;
CREATE INDEX event_buffer_by_expiry ON event_buffer (expires_at);

-- At most once for each instance.
CREATE TABLE event_delivery (
  event_row_id bigint NOT NULL REFERENCES event_buffer (row_id) ON DELETE CASCADE,
  instance_id uuid NOT NULL,
  -- The instance refused it, its wait had just ended: it may have it for a later wait.
  returned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (event_row_id, instance_id)
);

-- Not partitioned: only so can it be unique. Lives longer than events and deliveries.
CREATE TABLE event_seen (
  source text NOT NULL,
  id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, id)
);
CREATE INDEX event_seen_by_age ON event_seen (at);
