-- Up Migration
-- External events and the instances that wait for them. A transaction that reads or writes subscriptions or events of a
-- (type, key) takes its advisory lock first, in a statement before the one that reads.

-- Event types that deployed definitions name. Events of other types are not kept.
CREATE TABLE event_type (type text PRIMARY KEY);

-- Event tasks that wait.
CREATE TABLE wait (
  instance_id uuid NOT NULL,
  path text NOT NULL,
  partition integer NOT NULL,
  attempt integer NOT NULL,
  -- How many events the task still takes. At 0 it has no subscriptions left; the row is deleted when the task ends.
  remaining integer NOT NULL CHECK (remaining >= 0),
  PRIMARY KEY (instance_id, path)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- What a wait waits for: one row for each event type and key of its task (anyOf).
CREATE TABLE subscription (
  -- In the order of opening: of two equal waits of an instance the older one gets the event.
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance_id uuid NOT NULL,
  path text NOT NULL,
  -- Index into the waits of the task.
  wait_index integer NOT NULL,
  type text NOT NULL,
  key text NOT NULL,
  -- { source, scope } of the node's where; NULL: every event of the key fits.
  condition json
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX subscription_type_key_id_idx ON subscription (type, key, id);
CREATE INDEX subscription_instance_id_path_idx ON subscription (instance_id, path);

CREATE TABLE event_buffer (
  row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL,
  type text NOT NULL,
  source text NOT NULL,
  key text NOT NULL,
  time timestamptz,
  data json,
  -- No instance has it, so any wait that fits may take it.
  undelivered boolean NOT NULL,
  -- Undelivered, or some instance has given it back.
  available boolean NOT NULL,
  -- The event is still to be offered to the subscriptions of its key with an id above offer_after, up to offer_until: there
  -- were too many for one transaction. NULL: it was offered to all.
  offer_after bigint,
  offer_until bigint,
  expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX event_buffer_type_key_row_id_idx ON event_buffer (type, key, row_id) WHERE available;
CREATE INDEX event_buffer_source_id_idx ON event_buffer (source, id) WHERE offer_after IS NOT NULL;
CREATE INDEX event_buffer_expires_at_idx ON event_buffer (expires_at);

-- An instance has an event at most once.
CREATE TABLE event_delivery (
  event_row_id bigint NOT NULL REFERENCES event_buffer (row_id) ON DELETE CASCADE,
  instance_id uuid NOT NULL,
  -- The wait that took it. Only a refusal by this wait gives the event back.
  path text NOT NULL,
  attempt integer NOT NULL,
  -- The instance refused the event, since its wait had just ended. It may have the event for a later wait.
  returned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (event_row_id, instance_id)
);

-- Source and id of every event received, to recognise duplicates. Kept longer than events and deliveries. Not partitioned,
-- since a partitioned table cannot have this primary key.
CREATE TABLE received_event (
  source text NOT NULL,
  id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, id)
);
CREATE INDEX received_event_received_at_idx ON received_event (received_at);
