-- Up Migration

CREATE TABLE definition (
  id text PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE definition_version (
  id text NOT NULL REFERENCES definition (id),
  version integer NOT NULL CHECK (version > 0),
  -- json, not jsonb: it keeps the order of keys and \u0000.
  document json NOT NULL,
  content_hash text NOT NULL,
  deployed_at timestamptz NOT NULL DEFAULT now(),
  deployed_by text NOT NULL,
  PRIMARY KEY (id, version)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a deployed version never changes' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER definition_version_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON definition_version
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE api_key (
  key_id text PRIMARY KEY,
  -- SHA-256 of 256 random bits. They cannot be guessed, so no salt is needed.
  hash bytea NOT NULL UNIQUE,
  subject text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin', 'operator', 'user', 'viewer')),
  task_roles text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
