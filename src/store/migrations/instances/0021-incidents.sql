-- Up Migration
-- Open incidents by their codes, to search for instances. A row is written when an incident is raised and deleted when it ends, and never
-- changes in between.
CREATE TABLE incident (
  instance_id uuid NOT NULL,
  -- Of the task, or of the scope whose output failed; '' is the instance itself.
  path text NOT NULL,
  code text NOT NULL,
  PRIMARY KEY (instance_id, path)
);
CREATE INDEX incident_code_instance_id_idx ON incident (code, instance_id);

-- Those that are open now. An older process that still runs writes no rows: what it raises is found once it was retried. Searches ask for
-- the status of the instance too, so a row that it leaves behind finds nothing that has ended or goes on.
INSERT INTO incident (instance_id, path, code)
  SELECT i.id, e.key, e.value -> 'error' ->> 'code' FROM instance i
    CROSS JOIN LATERAL (SELECT i.state UNION ALL SELECT s.state FROM scope s WHERE s.instance_id = i.id) AS part (state)
    -- text has no U+0000, so no operator reads a document that mentions it.
    CROSS JOIN LATERAL (SELECT replace(part.state::text, '\u0000', '\ufffd')::json AS state) AS readable
    CROSS JOIN LATERAL json_each(coalesce(readable.state -> 'own', readable.state -> 'root', readable.state) -> 'incidents') AS e
    WHERE i.status IN ('incident', 'paused')
  ON CONFLICT DO NOTHING;
