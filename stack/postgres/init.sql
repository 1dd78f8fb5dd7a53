-- Roles and databases of Millrace, made once on a fresh Postgres by its superuser; names as in stack/settings.ts.
-- The passwords of the two logins come as the settings millrace.engine_password and millrace.connect_password of the
-- session (PGOPTIONS for psql), so that this file holds no secret. Statements are parted by lines of three dashes after
-- a comment mark, because CREATE DATABASE must stand alone; tables and rights in them come from the engine's migrations.
DO $$
BEGIN
  EXECUTE format('CREATE ROLE millrace LOGIN CREATEROLE PASSWORD %L', current_setting('millrace.engine_password'));
  CREATE ROLE millrace_outbox NOLOGIN;
  EXECUTE format('CREATE ROLE millrace_connect LOGIN REPLICATION IN ROLE millrace_outbox PASSWORD %L', current_setting('millrace.connect_password'));
END
$$;
-- ---
CREATE DATABASE millrace_definitions OWNER millrace;
-- ---
CREATE DATABASE millrace_instances OWNER millrace;
-- ---
REVOKE CONNECT ON DATABASE millrace_definitions, millrace_instances FROM PUBLIC;
-- ---
GRANT CONNECT ON DATABASE millrace_instances TO millrace_connect;
