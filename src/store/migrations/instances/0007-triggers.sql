-- Up Migration
-- What the newest version of each definition starts instances by: one row a definition, which only a higher version replaces.
CREATE TABLE definition_triggers (
  definition_id text PRIMARY KEY,
  version integer NOT NULL,
  -- Types of events that start an instance. What they must be like stands in the definition.
  event_types text[] NOT NULL,
  -- All of its triggers are off, also those of versions to come.
  paused boolean NOT NULL DEFAULT false,
  -- Names of those that are off by themselves.
  paused_names text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX definition_triggers_event_types_idx ON definition_triggers USING gin (event_types) WHERE NOT paused;
